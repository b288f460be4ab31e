// SPDX-License-Identifier: MIT
// eBPF instructions, one call each, with labels.
#pragma once

#include "base/result.hpp"

#include <linux/bpf.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sillage::bpf {

/// The registers. r0 is what calls return, r1 to r5 their arguments and lost behind them; r6 to r9
/// keep their values; r10 is the top of the 512 bytes of stack.
// As they are written everywhere.
// NOLINTNEXTLINE(readability-identifier-naming)
enum class Reg : std::uint8_t { r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10 };

/// Bytes of a load or store.
enum class Size : std::uint8_t { k1 = BPF_B, k2 = BPF_H, k4 = BPF_W, k8 = BPF_DW };

/// The size of so many bytes: 1, 2, 4 or 8.
[[nodiscard]] constexpr Size size_of_bytes(std::uint32_t bytes) {
  return bytes == 1 ? Size::k1 : bytes == 2 ? Size::k2 : bytes == 4 ? Size::k4 : Size::k8;
}

/// Operations on 64 bits: dst = dst OP source.
enum class Alu : std::uint8_t {
  kAdd = BPF_ADD,
  kSubtract = BPF_SUB,
  kMultiply = BPF_MUL,
  kDivide = BPF_DIV,  ///< unsigned; by 0 gives 0
  kRemainder = BPF_MOD,
  kOr = BPF_OR,
  kAnd = BPF_AND,
  kXor = BPF_XOR,
  kShiftLeft = BPF_LSH,
  kShiftRight = BPF_RSH,
  kShiftRightSigned = BPF_ARSH,
};

/// Comparisons of 64 bits that jump.
enum class If : std::uint8_t {
  kEqual = BPF_JEQ,
  kNotEqual = BPF_JNE,
  kAbove = BPF_JGT,  ///< unsigned
  kAboveOrEqual = BPF_JGE,
  kBelow = BPF_JLT,
  kBelowOrEqual = BPF_JLE,
  kGreater = BPF_JSGT,  ///< signed
  kGreaterOrEqual = BPF_JSGE,
  kLess = BPF_JSLT,
  kLessOrEqual = BPF_JSLE,
  kAnyBit = BPF_JSET,
};

/// A place in a program, to jump to or to call.
struct Label {
  std::uint32_t index = 0;
};

/// Collects the instructions of one program and its subprograms.
///
/// Source: RFC 9669; atomics as Linux 5.12 and later.
class Assembler {
 public:
  [[nodiscard]] Label label();
  /// Puts a label here. Each is put once.
  void bind(Label label);

  void move(Reg to, Reg from);
  /// Any value; one or two instructions' room.
  void move(Reg to, std::uint64_t value);
  void alu(Alu operation, Reg to, Reg from);
  /// The constant is sign-extended to 64 bits.
  void alu(Alu operation, Reg to, std::int32_t constant);
  /// Keeps the low `bits` of a register, and repeats their sign above.
  void sign_extend(Reg reg, std::uint32_t bits);
  /// Keeps the low `bits` of a register, zeroes above.
  void zero_extend(Reg reg, std::uint32_t bits);
  /// Turns the low `bits` (16, 32, 64) round, from the machine's byte order to the other.
  void swap_bytes(Reg reg, std::uint32_t bits);

  /// Zero-extended.
  void load(Size size, Reg to, Reg base, std::int32_t offset);
  /// Sign-extended. For interpreters: kernels before Linux 6.6 do not have it.
  void load_signed(Size size, Reg to, Reg base, std::int32_t offset);
  void store(Size size, Reg base, std::int32_t offset, Reg from);
  void store(Size size, Reg base, std::int32_t offset, std::int32_t constant);

  /// lock add of 64 bits, nothing fetched.
  void atomic_add(Reg base, std::int32_t offset, Reg from);
  /// `with` becomes what was there.
  void exchange(Reg base, std::int32_t offset, Reg with);
  /// Stores `value` if r0 is there; r0 becomes what was there.
  void compare_exchange(Reg base, std::int32_t offset, Reg value);

  void jump(Label to);
  void jump_if(If condition, Reg left, Reg right, Label to);
  void jump_if(If condition, Reg left, std::int32_t constant, Label to);

  /// Calls a helper of the kernel: arguments in r1 to r5.
  void call(bpf_func_id helper);
  /// Calls a helper of another machine than the kernel.
  void call_helper(std::int32_t helper);
  /// Calls a function of the kernel that BPF programs may call, by its number in the kernel's BTF.
  void call_kernel(std::uint32_t btf_id);
  /// Calls a subprogram of this program.
  void call(Label subprogram);
  void exit();

  /// The map itself, for helpers.
  void load_map(Reg to, int map_fd);
  /// The first byte of the only element of a map.
  void load_map_value(Reg to, int map_fd, std::uint32_t offset = 0);

  /// Instructions of another finished one. Its jumps may lead to behind its last.
  void append(const std::vector<bpf_insn>& code) {
    code_.insert(code_.end(), code.begin(), code.end());
  }

  [[nodiscard]] std::size_t size() const { return code_.size(); }

  /// The finished program.
  ///
  /// Errors: kLimit  a jump further than 16 bits reach, or an offset of a load or store that does not
  ///                 fit: the program is too large.
  [[nodiscard]] Result<std::vector<bpf_insn>> finish() const;

 private:
  struct Reference {
    std::uint32_t at, label;
    bool is_call;
  };

  void emit(std::uint32_t code, Reg to, Reg from, std::int32_t offset, std::int32_t constant);
  void emit_wide(Reg to, std::uint8_t pseudo, std::uint64_t value);
  void refer(Label label, bool is_call);

  std::vector<bpf_insn> code_;
  std::vector<std::int64_t> labels_;  // where they are; -1 = not put yet
  std::vector<Reference> references_;
  bool offset_too_large_ = false;
};

}  // namespace sillage::bpf
