// SPDX-License-Identifier: MIT
#include "sillage/thread_counter.hpp"

#include "base/fd.hpp"
#include "session/perf_counters.hpp"

#include <fmt/core.h>

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sillage::command {

std::string why_no_counter(const std::string& context) {
  const auto counter = session::parse_perf_counter(context, session::CountersOf::kThreads);
  if (!session::is_perf_counter(context) || !counter) return "";
  // As programs open it (src/probe/thread_counters.cpp).
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = counter->type;
  attributes.config = counter->config;
  attributes.exclude_kernel = 1;
  const Fd opened(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  if (opened) return "";
  if (errno == EACCES || errno == EPERM)
    return fmt::format(
        "{}: programs with no more rights than this one record 0: sysctl "
        "kernel.perf_event_paranoid=2 lets them count what is outside the kernel",
        context);
  return fmt::format(
      "{}: this machine does not count that, programs record 0; most virtual machines have none of "
      "the processors' counters. Those of the kernel are: perf:thread:page-fault, "
      "context-switches, cpu-migrations, task-clock",
      context);
}

}  // namespace sillage::command
