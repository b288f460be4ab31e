// SPDX-License-Identifier: MIT
// Where the kernel keeps what a system call was made with.
#pragma once

#include "base/result.hpp"
#include "kernel/btf.hpp"
#include "kernel/system_calls.hpp"

#include <array>
#include <cstdint>

namespace sillage::kernel {

/// Bytes in `struct pt_regs`, and in the running task what tells 32-bit calls from others.
struct SyscallRegisters {
  static constexpr std::size_t kArguments = 6;

  std::array<std::int32_t, kArguments> native{}, compat{};
  std::int32_t number = 0;         ///< of the call, as long as it runs
  std::uint32_t number_bytes = 8;  ///< 8 or 4
  std::int32_t compat_flags = 0;   ///< in `struct task_struct`: u32
  std::int32_t compat_mask = 0;    ///< the bit of a 32-bit call in there
  /// Number of rt_sigreturn, by Abi: at its exit the kernel has put -1 in place of the number, so
  /// that it is not taken for a call that a signal interrupted.
  std::array<std::uint32_t, 2> signal_return{};

  [[nodiscard]] const std::array<std::int32_t, kArguments>& arguments(Abi abi) const {
    return abi == Abi::kNative ? native : compat;
  }

  /// Errors: kUnsupported  not an architecture whose registers are known: x86-64 and arm64 are;
  ///         kNotFound     this kernel's structures do not have them.
  [[nodiscard]] static Result<SyscallRegisters> find(const Btf& btf);
};

}  // namespace sillage::kernel
