// SPDX-License-Identifier: MIT
#include "kernel/syscall_registers.hpp"

#include <string>
#include <string_view>

namespace sillage::kernel {
namespace {

// A member, or an element of 8 bytes of one that is an array.
struct Register {
  std::string_view member;
  std::int32_t index = 0;
};

struct Machine {
  std::array<Register, SyscallRegisters::kArguments> native, compat;
  std::string_view number, compat_flags;
  std::int32_t compat_mask;
  std::array<std::uint32_t, 2> signal_return;
};

#if defined(__x86_64__)
// Source: arch/x86/include/asm/syscall.h syscall_get_arguments(); TS_COMPAT in asm/thread_info.h.
constexpr bool kIsKnown = true;
constexpr Machine kMachine{{{{"di"}, {"si"}, {"dx"}, {"r10"}, {"r8"}, {"r9"}}},
                           {{{"bx"}, {"cx"}, {"dx"}, {"si"}, {"di"}, {"bp"}}},
                           "orig_ax",
                           "thread_info.status",
                           2,
                           {15, 173}};
#elif defined(__aarch64__)
// Source: arch/arm64/include/asm/syscall.h syscall_get_arguments(): the first is kept, as its register
// becomes the result; TIF_32BIT in asm/thread_info.h.
constexpr bool kIsKnown = true;
constexpr std::array<Register, SyscallRegisters::kArguments> kRegisters{
    {{"orig_x0"}, {"regs", 1}, {"regs", 2}, {"regs", 3}, {"regs", 4}, {"regs", 5}}};
constexpr Machine kMachine{kRegisters,          kRegisters, "syscallno",
                           "thread_info.flags", 1 << 22,    {139, 173}};
#else
constexpr bool kIsKnown = false;
constexpr Machine kMachine{};
#endif

Result<std::int32_t> place(const Btf& btf, TypeRef structure, const Register& what) {
  const auto found = btf.member(structure, what.member);
  if (!found) return tl::unexpected(found.error());
  return static_cast<std::int32_t>(found->offset_bytes) + 8 * what.index;
}

}  // namespace

Result<SyscallRegisters> SyscallRegisters::find(const Btf& btf) {
  if (!kIsKnown)
    return fail(Code::kUnsupported, "system calls are not recorded on this architecture");
  const auto registers = btf.find_tag("pt_regs"), task = btf.find_tag("task_struct");
  if (!registers || !task)
    return fail(Code::kNotFound,
                "the types of kernel " + btf.release() + " have no registers of system calls");
  SyscallRegisters found;
  for (std::size_t i = 0; i < kArguments; ++i) {
    auto native = place(btf, *registers, kMachine.native[i]);
    if (!native) return tl::unexpected(std::move(native).error());
    auto compat = place(btf, *registers, kMachine.compat[i]);
    if (!compat) return tl::unexpected(std::move(compat).error());
    found.native[i] = *native;
    found.compat[i] = *compat;
  }
  const auto number = btf.member(*registers, kMachine.number);
  if (!number) return tl::unexpected(number.error());
  found.number = static_cast<std::int32_t>(number->offset_bytes);
  found.number_bytes = btf.shape(number->type).size_bytes;
  auto flags = place(btf, *task, {kMachine.compat_flags});
  if (!flags) return tl::unexpected(std::move(flags).error());
  found.compat_flags = *flags;
  found.compat_mask = kMachine.compat_mask;
  found.signal_return = kMachine.signal_return;
  return found;
}

}  // namespace sillage::kernel
