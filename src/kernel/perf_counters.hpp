// SPDX-License-Identifier: MIT
// Counters of perf as contexts: one of each CPU, which programs read.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "kernel/program_plan.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::kernel {

/// What perf_event_open() is to count.
struct PerfEvent {
  std::string field;  ///< its name in traces
  std::uint32_t type = 0;
  std::uint64_t config = 0;
};

/// Whether a context is a counter: "perf:...".
[[nodiscard]] bool is_perf_counter(std::string_view context);

/// Reads a context as LTTng's command line spells it: `perf:cpu:NAME`, or `perf:cpu:raw:rCODE:NAME` with the
/// processor's own code in hexadecimal.
///
/// Errors: kInvalidArgument  not of that form; kNotFound  no such name, or one of `perf:thread`.
/// Source: lttng-tools 2.13, doc/man/lttng-add-context.1.txt, for spellings and names of fields.
[[nodiscard]] Result<PerfEvent> parse_perf_counter(std::string_view context);

/// Counters of one event, running, on each CPU that is online.
class PerfCounter {
 public:
  /// Errors: kUnsupported  this machine cannot count it: most virtual machines have no counters of
  ///         hardware; kPermission.
  [[nodiscard]] static Result<PerfCounter> open(PerfEvent event, std::uint32_t cpu_count);

  /// The field that programs record: the counter of the CPU, 0 if it cannot be read.
  ///
  /// Lifetime: the counter has to live until programs with the field are loaded; they keep it.
  [[nodiscard]] FieldPlan field() const;

 private:
  PerfCounter(PerfEvent event, Fd map) : event_(std::move(event)), map_(std::move(map)) {}

  PerfEvent event_;
  Fd map_;
};

}  // namespace sillage::kernel
