// SPDX-License-Identifier: MIT
#include "kernel/perf_counters.hpp"

#include "kernel/maps.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sillage::kernel {

Result<PerfCounter> PerfCounter::open(const std::string& field, std::uint32_t type,
                                      std::uint64_t config, std::uint32_t cpu_count) {
  auto map = create_counter_map(cpu_count);
  if (!map) return tl::unexpected(std::move(map).error());
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = type;
  attributes.config = config;
  bool is_open = false;
  for (std::uint32_t cpu = 0; cpu < cpu_count; ++cpu) {
    const Fd counter(static_cast<int>(
        ::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
    if (!counter) {
      if (errno == ENODEV && is_open) continue;  // offline
      if (errno == ENXIO) continue;              // possible only
      if (errno == ENOENT || errno == EOPNOTSUPP || errno == EINVAL || errno == ENODEV)
        return fail(Code::kUnsupported,
                    "this machine cannot count " + field +
                        (type == PERF_TYPE_SOFTWARE
                             ? std::string()
                             : ": its processors' counters are not to be had, as in most virtual "
                               "machines; those of the kernel are: perf:cpu:page-faults, "
                               "context-switches, cpu-migrations, task-clock"));
      return fail_errno("cannot count " + field);
    }
    is_open = true;
    SILLAGE_TRY(set_counter(map->value(), cpu, counter.value()));
  }
  return PerfCounter(field, std::move(*map));
}

FieldPlan PerfCounter::field() const {
  FieldPlan plan;
  plan.name = field_;
  plan.bytes = 8;
  plan.value.kind = Node::Kind::kCall;
  plan.value.function = Function::kCounter;
  plan.value.index = static_cast<std::uint32_t>(map_.value());
  return plan;
}

}  // namespace sillage::kernel
