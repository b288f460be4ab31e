// SPDX-License-Identifier: MIT
#include "kernel/attach.hpp"

#include <bpf/bpf.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <optional>
#include <utility>

namespace sillage::kernel {
namespace {

constexpr int kNotSupportedInKernel =
    524;  // ENOTSUPP of linux/errno.h, which has no name out of the kernel

Result<Fd> open_perf_event(perf_event_attr& attributes, const std::string& what) {
  attributes.size = sizeof attributes;
  // A program attached to the event of one CPU runs on all of them.
  Fd fd(static_cast<int>(
      ::syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  if (!fd) return fail_errno("cannot open " + what);
  return fd;
}

Result<Attachment> link_perf_event(int program_fd, perf_event_attr& attributes,
                                   const std::string& what) {
  // Programs run whether the event itself counts or not.
  attributes.disabled = 1;
  auto event = open_perf_event(attributes, what);
  if (!event) return tl::unexpected(std::move(event).error());
  Fd link(::bpf_link_create(program_fd, event->value(), BPF_PERF_EVENT, nullptr));
  if (!link) return fail_errno("cannot attach a program to " + what);
  return Attachment{std::move(link), std::move(*event)};
}

// What the kernel calls a kind of dynamic event, by number; none if it has no such kind.
std::optional<std::uint32_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  if (!(file >> text)) return std::nullopt;
  // "config:0" of a format file, or a plain number.
  const std::size_t colon = text.find(':');
  return static_cast<std::uint32_t>(
      std::strtoul(text.c_str() + (colon == std::string::npos ? 0 : colon + 1), nullptr, 10));
}

}  // namespace

void release_slowly(std::vector<Fd> events) {
  if (events.empty()) return;
  // What else is open is none of its business.
  std::vector<int> kept(events.size());
  std::transform(events.begin(), events.end(), kept.begin(),
                 [](const Fd& fd) { return fd.value(); });
  std::sort(kept.begin(), kept.end());
  // Twice, so that nobody has to wait for the one that stays.
  const pid_t child = ::fork();
  if (child == 0) {
    if (::fork() == 0) {
      int next = 0;
      for (const int fd : kept) {
        if (fd > next)
          (void)::close_range(static_cast<unsigned>(next), static_cast<unsigned>(fd - 1), 0);
        next = fd + 1;
      }
      (void)::close_range(static_cast<unsigned>(next), ~0U, 0);
      (void)::setsid();
    }
    ::_exit(0);
  }
  if (child > 0) (void)::waitpid(child, nullptr, 0);
  events.clear();  // not before the child has its own
}

Result<Attachment> attach_tracing(int program_fd, const std::string& what) {
  // For tracepoints, functions and iterators alike: the program's type says which.
  Fd link(::bpf_raw_tracepoint_open(nullptr, program_fd));
  if (link) return Attachment{std::move(link), Fd()};
  const int error_number = errno;
  if (error_number == EPERM || error_number == EACCES)
    return fail(Code::kUnsupported,
                "this kernel does not let programs be attached to " + what +
                    ": it needs the function tracer (CONFIG_FUNCTION_TRACER, not locked down)");
  if (error_number == kNotSupportedInKernel)
    return fail(Code::kUnsupported, "this kernel does not let programs be attached to " + what +
                                        ": it may have too many arguments");
  return fail_errno("cannot attach a program to " + what, error_number);
}

Result<Fd> link_iterator(int program_fd, const std::string& iterator) {
  bpf_iter_link_info what{};
  LIBBPF_OPTS(bpf_link_create_opts, options);
  // Those of control groups want to be told how; from the root of the hierarchy if not where.
  if (iterator == "cgroup") {
    what.cgroup.order = BPF_CGROUP_ITER_DESCENDANTS_PRE;
    options.iter_info = &what;
    options.iter_info_len = sizeof what;
  }
  Fd link(::bpf_link_create(program_fd, 0, BPF_TRACE_ITER, &options));
  if (!link) return fail_errno("cannot attach a program to the iterator " + iterator);
  return link;
}

Status run_iterator(int link_fd, const std::string& iterator) {
  const Fd run(::bpf_iter_create(link_fd));
  if (!run) return fail_errno("cannot begin the iterator " + iterator);
  // The program writes to the ring and not to its reader, who therefore comes to the end at once, or, every
  // million things, is to ask again.
  char nothing = 0;
  for (;;) {
    const ssize_t bytes = ::read(run.value(), &nothing, sizeof nothing);
    if (bytes == 0) return {};
    if (bytes < 0 && errno != EAGAIN && errno != EINTR)
      return fail_errno("cannot go on with the iterator " + iterator);
  }
}

Result<Attachment> attach_raw_tracepoint(int program_fd, const std::string& tracepoint) {
  Fd link(::bpf_raw_tracepoint_open(tracepoint.c_str(), program_fd));
  if (!link) return fail_errno("cannot attach a program to the tracepoint " + tracepoint);
  return Attachment{std::move(link), Fd()};
}

Result<Attachment> attach_tracepoint(int program_fd, std::uint32_t event_id,
                                     const std::string& what) {
  perf_event_attr attributes{};
  attributes.type = PERF_TYPE_TRACEPOINT;
  attributes.config = event_id;
  return link_perf_event(program_fd, attributes, what);
}

Result<Attachment> attach_probe(int program_fd, const ProbePlace& place) {
  const bool in_kernel = place.path.empty();
  const std::string kind = in_kernel ? "kprobe" : "uprobe";
  const std::string devices = "/sys/bus/event_source/devices/" + kind;
  const auto type = read_number(devices + "/type");
  if (!type)
    return fail(Code::kUnsupported,
                "this kernel has no " + kind + "s (CONFIG_" +
                    (in_kernel ? std::string("KPROBE") : std::string("UPROBE")) + "_EVENTS)");
  perf_event_attr attributes{};
  attributes.type = *type;
  if (place.at_return) {
    const auto bit = read_number(devices + "/format/retprobe");
    attributes.config |= UINT64_C(1) << bit.value_or(0);
  }
  // The semaphore's place is the upper half of the number: format/ref_ctr_offset.
  attributes.config |= place.semaphore_offset << 32;
  const std::string& name = in_kernel ? place.symbol : place.path;
  attributes.config1 = reinterpret_cast<std::uint64_t>(name.c_str());
  attributes.config2 = place.offset;
  const std::string what = (in_kernel ? "the kernel's function " + name
                                      : name + " at offset " + std::to_string(place.offset));
  return link_perf_event(program_fd, attributes, what);
}

}  // namespace sillage::kernel
