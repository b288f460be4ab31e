// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"
#include "kernel/event_recipes.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/value_code.hpp"
#include "tracefs/kernel_events.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sillage::kernel {

/// A tracepoint of the running kernel.
struct Tracepoint {
  tracefs::EventName kernel_name;
  std::string name;  ///< LTTng's
};

/// What the running kernel tells about itself, read once: its tracepoints, its types, and the recipes that say more.
///
/// Threads: reading from any.
class Tracer {
 public:
  /// Cost:   some 50 ms.
  /// Errors: kPermission   tracefs is not to be had, or BPF; says what is missing.
  [[nodiscard]] static Result<Tracer> open();

  /// All tracepoints that programs can be attached to, but for those of system calls.
  [[nodiscard]] const std::vector<Tracepoint>& tracepoints() const { return tracepoints_; }

  /// The ways to record a tracepoint, best first: by its recipe if there is one and the kernel has types, and as
  /// tracefs describes it.
  ///
  /// Errors: what keeps it from being recorded in any way.
  [[nodiscard]] Result<std::vector<EventPlan>> plan(const Tracepoint& tracepoint) const;

  /// The kernel's types; nullptr if it has none (why: `no_btf`).
  [[nodiscard]] const Btf* btf() const { return btf_ ? &*btf_ : nullptr; }
  /// How programs handle pointers of btf().
  [[nodiscard]] const PointerCasts& casts() const { return casts_; }
  /// Why there is no btf(); empty if there is.
  [[nodiscard]] const std::string& no_btf() const { return no_btf_; }

 private:
  Tracer() = default;

  std::string tracefs_;
  std::optional<Btf> btf_;
  std::string no_btf_;
  PointerCasts casts_;
  std::vector<Tracepoint> tracepoints_;
  std::multimap<std::string, EventRecipe, std::less<>> recipes_;  // by the trace's name
};

}  // namespace sillage::kernel
