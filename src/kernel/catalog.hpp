// SPDX-License-Identifier: MIT
// What can be recorded of the running kernel.
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"
#include "kernel/event_recipes.hpp"
#include "kernel/system_calls.hpp"
#include "tracefs/event_format.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sillage::kernel {

/// A tracepoint of the running kernel.
struct KernelTracepoint {
  std::string name;    ///< LTTng's, that of its events
  std::string system;  ///< the kernel's names
  std::string event;
  bool has_types = false;  ///< programs can have its arguments with their types
  std::string why_not;     ///< why it cannot be recorded; "" if it can
};

/// A field as it is recorded, for listings.
struct FieldSummary {
  std::string name;
  std::string type;  ///< "s32", "text[16]", "string": a recipe's words; else C's
};

/// The kernel's symbols with their addresses.
class KernelSymbols {
 public:
  /// Reads /proc/kallsyms once.
  ///
  /// Cost: 40 ms for 120,000 symbols.
  [[nodiscard]] static KernelSymbols load();

  /// None if there is no such symbol, or if this process is not shown addresses.
  [[nodiscard]] std::optional<std::uint64_t> address(std::string_view name) const;

 private:
  std::unordered_map<std::string, std::uint64_t> addresses_;
};

/// LTTng's event of the text that is written to /proc/lttng-logger, with the one field `msg`: no tracepoint, but
/// enabled as one.
inline constexpr const char* kTextEvent = "lttng_logger";

/// What can be recorded: tracepoints, system calls, functions.
///
/// Threads: one at a time.
class Catalog {
 public:
  /// Reads tracefs and the kernel's types. Without types everything is there but functions and recipes.
  ///
  /// Errors: those of find_tracefs() and event_names().
  /// Cost:   60 ms; descriptions of single events are read when asked for.
  [[nodiscard]] static Result<Catalog> load();

  [[nodiscard]] const std::string& tracefs() const { return tracefs_; }
  /// Null: the kernel has no types, or they cannot be read; then `why_no_types()` says why.
  [[nodiscard]] const Btf* btf() const { return btf_.get(); }
  [[nodiscard]] const std::string& why_no_types() const { return why_no_types_; }

  /// Sorted by system, then by event; without those of system calls, which are `system_calls()`.
  [[nodiscard]] const std::vector<KernelTracepoint>& tracepoints() const { return tracepoints_; }
  /// By LTTng's name or by the kernel's.
  [[nodiscard]] const KernelTracepoint* find_tracepoint(std::string_view name) const;

  /// How tracefs describes it.
  [[nodiscard]] Result<tracefs::EventFormat> format(const KernelTracepoint& tracepoint) const;

  /// The recipe of a tracepoint on this kernel; nothing if there is none that fits.
  [[nodiscard]] std::optional<ResolvedEvent> recipe(const KernelTracepoint& tracepoint) const;

  /// The fields that its events have.
  [[nodiscard]] Result<std::vector<FieldSummary>> fields(const KernelTracepoint& tracepoint) const;

  /// All system calls, with their arguments.
  [[nodiscard]] Result<SystemCalls> system_calls() const;

  /// Functions of the kernel whose entry and exit can be recorded: those with types that the kernel lets
  /// be traced (available_filter_functions), sorted.
  ///
  /// Errors: kUnsupported  this kernel has no types, or refuses the function tracer; says which.
  [[nodiscard]] Result<std::vector<std::string>> functions() const;

 private:
  Catalog() = default;

  std::string tracefs_;
  std::unique_ptr<Btf> btf_;
  std::string why_no_types_;
  std::vector<KernelTracepoint> tracepoints_;
  std::unordered_map<std::string, std::vector<EventRecipe>> recipes_;  // by the kernel's name
  mutable std::optional<KernelSymbols> symbols_;                       // when a recipe needs them
};

}  // namespace sillage::kernel
