// SPDX-License-Identifier: MIT
// Events at functions of the kernel and at places of programs.
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"
#include "kernel/program_plan.hpp"

#include <string>
#include <vector>

namespace sillage::kernel {

/// One event that a program at each of some places records; all with the same payload.
struct PlacedEvent {
  std::vector<EventPlan> places;
};

/// NAME_entry, with the function's arguments, and NAME_exit, with them and its result `ret`. Integers as their types
/// say, pointers as addresses; what is passed as a structure is left out.
///
/// Errors: kNotFound     no such function, or none whose entry can be recorded.
///         kUnsupported  there are no types (`btf` is null).
[[nodiscard]] Result<std::vector<PlacedEvent>> plan_function(const std::string& name,
                                                             const Btf* btf);

/// NAME_entry and NAME_exit with the function's address as `ip`, and at the exit `parent_ip`, where it returns to: for kernels
/// that do not let functions be traced and have kprobes.
[[nodiscard]] std::vector<PlacedEvent> plan_function_probes(const std::string& name);

/// Whether this kernel has kprobes that programs can be attached to.
[[nodiscard]] bool has_kernel_probes();

/// "SYMBOL" or "SYMBOL+OFFSET" of the kernel: an event of that name with the field `ip`.
///
/// Errors: kInvalidArgument  anything else.
[[nodiscard]] Result<std::vector<PlacedEvent>> plan_kernel_probe(const std::string& place);

/// "[elf:]PATH:SYMBOL[+OFFSET]": an event SYMBOL with the field `ip`. "sdt:PATH:PROVIDER:NAME": an event PROVIDER_NAME, with
/// `ip` and the probe's arguments `arg0` and so on. A PATH without a slash is looked up in $PATH.
///
/// Errors: kInvalidArgument  anything else.
///         kNotFound         no such file, symbol or probe.
///         kUnsupported      an argument that programs cannot read.
[[nodiscard]] Result<std::vector<PlacedEvent>> plan_user_probe(const std::string& place);

}  // namespace sillage::kernel
