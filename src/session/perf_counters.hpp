// SPDX-License-Identifier: MIT
// Contexts that are counters of perf: how they are written, called and counted.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::session {

/// Longest NAME of `perf:...:raw:rCODE:NAME`: it becomes a field's.
constexpr std::size_t kMaxRawName = 200;

/// What perf_event_open(2) is to count.
struct PerfCounter {
  std::string field;  ///< its name in traces
  std::uint32_t type = 0;
  std::uint64_t config = 0;
  bool operator==(const PerfCounter&) const = default;
};

/// Whose counters the events of a domain have: the kernel's those of CPUs, programs' those of threads.
enum class CountersOf : std::uint8_t { kCpus, kThreads };

/// Whether a context is a counter: "perf:...".
[[nodiscard]] bool is_perf_counter(std::string_view context);

/// Reads a context as LTTng's command line spells it: `perf:cpu:NAME` or `perf:thread:NAME`, `raw:rCODE:NAME` instead of NAME
/// for the processor's own code in hexadecimal, or `perf:NAME`, LTTng's old spelling of both.
///
/// Errors: kInvalidArgument  not of that form; kNotFound  no such name, or one of the others.
/// Source: lttng-tools 2.13, doc/man/lttng-add-context.1.txt, for spellings and names of fields.
[[nodiscard]] Result<PerfCounter> parse_perf_counter(std::string_view context, CountersOf whose);

/// All that have a name here, as contexts: those of the processor, of its caches, of the kernel.
[[nodiscard]] std::vector<std::string> perf_counter_contexts(CountersOf whose);

/// The context that has such a field: "perf:cpu:cycles" for "perf_cpu_cycles" of that type and configuration.
///
/// Errors: kInvalidArgument  a counter that has no name here.
[[nodiscard]] Result<std::string> context_of_counter(std::string_view field, std::uint64_t type,
                                                     std::uint64_t config);

}  // namespace sillage::session
