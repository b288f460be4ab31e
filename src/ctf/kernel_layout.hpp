// SPDX-License-Identifier: MIT
// What kernel channels record beside events' payloads, with the names and types of LTTng's kernel
// traces: contexts and the trace's environment.
#pragma once

#include "ctf/model.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::ctf {

/// The contexts of kernel channels that have a fixed name; perf counters have the counter's.
enum class KernelContext : std::uint8_t {
  kPid,
  kTid,
  kPpid,
  kVpid,
  kVtid,
  kVppid,
  kProcname,
  kPrio,
  kNice,
  kHostname,
  kCpuId,
  kInterruptible,
  kPreemptible,
  kNeedReschedule,
  kMigratable,
  kUid,
  kEuid,
  kSuid,
  kGid,
  kEgid,
  kSgid,
  kVuid,
  kVeuid,
  kVsuid,
  kVgid,
  kVegid,
  kVsgid,
  kCgroupNs,
  kIpcNs,
  kMntNs,
  kNetNs,
  kPidNs,
  kTimeNs,
  kUserNs,
  kUtsNs,
  kCallstackKernel,
  kCallstackUser,
};
inline constexpr std::size_t kKernelContextCount = 37;

/// How the bytes of a context are.
enum class KernelContextKind : std::uint8_t {
  kInteger,    ///< `bytes` bytes
  kText,       ///< `bytes` characters, filled up with NUL
  kCallstack,  ///< u32 count, then that many u64 addresses
};

struct KernelContextTraits {
  std::string_view name;  ///< in the trace
  KernelContextKind kind = KernelContextKind::kInteger;
  std::uint32_t bytes = 4;  ///< in the record; of one address of a call stack
  bool is_signed = false;
};

/// Name and type of each context: index is the enum's value.
///
/// Source: lttng-modules 2.13, src/lttng-context-*.c.
extern const std::array<KernelContextTraits, kKernelContextCount> kKernelContexts;

[[nodiscard]] inline const KernelContextTraits& traits_of(KernelContext context) {
  return kKernelContexts[static_cast<std::size_t>(context)];
}

/// The context of that name, as in traces or, for call stacks, as on LTTng's command line
/// ("callstack-kernel").
[[nodiscard]] std::optional<KernelContext> find_kernel_context(std::string_view name);

/// Collects the contexts of a kernel channel, in the order of the record; packed.
class KernelContextBuilder {
 public:
  KernelContextBuilder& add(KernelContext context);
  /// A u64 under its name in the trace; LTTng's for `perf:cpu:cache-misses` is
  /// "perf_cpu_cache_misses".
  KernelContextBuilder& add_perf_counter(std::string_view name);

  /// The common context of the channel's events; null if there are none. The builder is empty then.
  [[nodiscard]] FieldClassRef build();

 private:
  Structure structure_;
};

/// What the environment of a kernel trace says, beside what is the same in all of them.
struct KernelEnvironment {
  std::string hostname{};
  std::string sysname{}, kernel_release{}, kernel_version{};  ///< uname(2)'s
  std::string session_name{};
  std::string creation_datetime{};  ///< local time as strftime's "%Y%m%dT%H%M%S%z"
  std::int64_t word_bits = 64;
  std::int64_t version_major = 0, version_minor = 0, version_patch = 0;  ///< of Sillage
};

/// The environment entries of a kernel trace: lttng-modules' names in its order, with an honest
/// tracer_name.
///
/// Source: lttng-modules 2.13, src/metadata-ctf-1-8.c.
[[nodiscard]] std::vector<EnvironmentEntry> kernel_environment(
    const KernelEnvironment& environment);

}  // namespace sillage::ctf
