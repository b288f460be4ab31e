// SPDX-License-Identifier: MIT
// The events of system calls: what their programs have to do.
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/syscall_dispatch.hpp"
#include "kernel/syscall_registers.hpp"
#include "kernel/syscall_rules.hpp"
#include "kernel/system_calls.hpp"

#include <cstdint>
#include <utility>

namespace sillage::kernel {

/// The event of one system call at its entry or exit, for KernelChannel::add_syscall().
struct SyscallEvent {
  SyscallPlace place;
  EventPlan plan;
};

/// Makes the events of system calls of the running kernel: LTTng's names and fields, and behind them what
/// syscall_rules.txt adds.
///
/// Lifetime: keeps a reference to `btf`.
/// Threads:  reading from any.
class SyscallPlanner {
 public:
  /// Bound on the bytes recorded of a buffer.
  static constexpr std::uint32_t kMaxBytes = 4096;

  /// Errors: those of SyscallRegisters::find().
  [[nodiscard]] static Result<SyscallPlanner> create(const Btf& btf);

  /// The event of a call. Fields whose types this kernel does not have are left out.
  ///
  /// `bytes`: so many first bytes of what is read and written are recorded, at most kMaxBytes.
  /// Cost:    some 20 microseconds.
  [[nodiscard]] SyscallEvent plan(const SystemCall& call, bool at_exit, std::uint32_t bytes) const;

  /// The event of calls that have no event of their own: `syscall_entry_unknown`. For a channel that
  /// records all system calls.
  [[nodiscard]] SyscallEvent plan_unknown(Abi abi, bool at_exit) const;

 private:
  SyscallPlanner(const Btf& btf, const SyscallRegisters& registers, SyscallRules rules)
      : btf_(&btf), registers_(registers), rules_(std::move(rules)) {}
  [[nodiscard]] AttachPlan attach_to(bool at_exit) const;

  const Btf* btf_;
  SyscallRegisters registers_;
  SyscallRules rules_;
};

}  // namespace sillage::kernel
