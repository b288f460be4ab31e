// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "kernel/catalog.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/value_code.hpp"

#include <string>
#include <vector>

namespace sillage::kernel {

/// From what the running kernel has to how its events are recorded.
///
/// Threads: one at a time.
class Tracer {
 public:
  /// Cost, errors: those of Catalog::load().
  [[nodiscard]] static Result<Tracer> open();

  [[nodiscard]] const Catalog& catalog() const { return catalog_; }

  /// The ways to record a tracepoint, best first: by its recipe if there is one and programs can use types, and as
  /// tracefs describes it.
  ///
  /// Errors: what keeps it from being recorded in any way.
  [[nodiscard]] Result<std::vector<EventPlan>> plan(const KernelTracepoint& tracepoint) const;

  /// The kernel's types, where programs can use them; nullptr if not (why: `why_no_types`).
  [[nodiscard]] const Btf* btf() const { return uses_types_ ? catalog_.btf() : nullptr; }
  [[nodiscard]] const std::string& why_no_types() const { return why_no_types_; }
  /// How programs handle pointers of btf().
  [[nodiscard]] const PointerCasts& casts() const { return casts_; }

 private:
  explicit Tracer(Catalog catalog) : catalog_(std::move(catalog)) {}

  Catalog catalog_;
  bool uses_types_ = false;
  std::string why_no_types_;
  PointerCasts casts_;
};

}  // namespace sillage::kernel
