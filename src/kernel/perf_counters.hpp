// SPDX-License-Identifier: MIT
// Counters of perf as contexts: one of each CPU, which programs read.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "kernel/program_plan.hpp"

#include <cstdint>
#include <string>
#include <utility>

namespace sillage::kernel {

/// Counters of one event, running, on each CPU that is online.
class PerfCounter {
 public:
  /// `field`: its name in traces. `type` and `config`: of perf_event_open(2).
  ///
  /// Errors: kUnsupported  this machine cannot count it: most virtual machines have no counters of
  ///         hardware; kPermission.
  [[nodiscard]] static Result<PerfCounter> open(const std::string& field, std::uint32_t type,
                                                std::uint64_t config, std::uint32_t cpu_count);

  /// The field that programs record: the counter of the CPU, 0 if it cannot be read.
  ///
  /// Lifetime: the counter has to live until programs with the field are loaded; they keep it.
  [[nodiscard]] FieldPlan field() const;

 private:
  PerfCounter(std::string field, Fd map) : field_(std::move(field)), map_(std::move(map)) {}

  std::string field_;
  Fd map_;
};

}  // namespace sillage::kernel
