// SPDX-License-Identifier: MIT
#include "bpf/assembler.hpp"

#include <limits>

namespace sillage::bpf {
namespace {

template <class T>
bool fits(std::int64_t value) {
  return value >= std::numeric_limits<T>::min() && value <= std::numeric_limits<T>::max();
}

}  // namespace

Label Assembler::label() {
  labels_.push_back(-1);
  return {static_cast<std::uint32_t>(labels_.size() - 1)};
}

void Assembler::bind(Label label) {
  labels_[label.index] = static_cast<std::int64_t>(code_.size());
}

void Assembler::emit(std::uint32_t code, Reg to, Reg from, std::int32_t offset,
                     std::int32_t constant) {
  if (!fits<std::int16_t>(offset)) offset_too_large_ = true;
  bpf_insn instruction{};
  instruction.code = static_cast<std::uint8_t>(code);
  instruction.dst_reg = static_cast<std::uint8_t>(to) & 0xf;
  instruction.src_reg = static_cast<std::uint8_t>(from) & 0xf;
  instruction.off = static_cast<std::int16_t>(offset);
  instruction.imm = constant;
  code_.push_back(instruction);
}

void Assembler::emit_wide(Reg to, std::uint8_t pseudo, std::uint64_t value) {
  emit(BPF_LD | BPF_DW | BPF_IMM, to, static_cast<Reg>(pseudo), 0,
       static_cast<std::int32_t>(value));
  emit(0, Reg::r0, Reg::r0, 0, static_cast<std::int32_t>(value >> 32));
}

void Assembler::refer(Label label, bool is_call) {
  references_.push_back({static_cast<std::uint32_t>(code_.size()), label.index, is_call});
}

void Assembler::move(Reg to, Reg from) { emit(BPF_ALU64 | BPF_MOV | BPF_X, to, from, 0, 0); }

void Assembler::move(Reg to, std::uint64_t value) {
  if (fits<std::int32_t>(static_cast<std::int64_t>(value))) {
    emit(BPF_ALU64 | BPF_MOV | BPF_K, to, Reg::r0, 0, static_cast<std::int32_t>(value));
  } else {
    emit_wide(to, 0, value);
  }
}

void Assembler::alu(Alu operation, Reg to, Reg from) {
  emit(BPF_ALU64 | static_cast<std::uint32_t>(operation) | BPF_X, to, from, 0, 0);
}

void Assembler::alu(Alu operation, Reg to, std::int32_t constant) {
  emit(BPF_ALU64 | static_cast<std::uint32_t>(operation) | BPF_K, to, Reg::r0, 0, constant);
}

void Assembler::sign_extend(Reg reg, std::uint32_t bits) {
  if (bits >= 64) return;
  alu(Alu::kShiftLeft, reg, static_cast<std::int32_t>(64 - bits));
  alu(Alu::kShiftRightSigned, reg, static_cast<std::int32_t>(64 - bits));
}

void Assembler::zero_extend(Reg reg, std::uint32_t bits) {
  if (bits >= 64) return;
  alu(Alu::kShiftLeft, reg, static_cast<std::int32_t>(64 - bits));
  alu(Alu::kShiftRight, reg, static_cast<std::int32_t>(64 - bits));
}

void Assembler::swap_bytes(Reg reg, std::uint32_t bits) {
  constexpr std::uint32_t kOther =
      __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? BPF_TO_BE : BPF_TO_LE;
  emit(BPF_ALU | BPF_END | kOther, reg, Reg::r0, 0, static_cast<std::int32_t>(bits));
}

void Assembler::load(Size size, Reg to, Reg base, std::int32_t offset) {
  emit(BPF_LDX | BPF_MEM | static_cast<std::uint32_t>(size), to, base, offset, 0);
}

void Assembler::load_signed(Size size, Reg to, Reg base, std::int32_t offset) {
  constexpr std::uint32_t kSignExtended = 0x80;  // BPF_MEMSX of RFC 9669, newer than our headers
  emit(BPF_LDX | kSignExtended | static_cast<std::uint32_t>(size), to, base, offset, 0);
}

void Assembler::store(Size size, Reg base, std::int32_t offset, Reg from) {
  emit(BPF_STX | BPF_MEM | static_cast<std::uint32_t>(size), base, from, offset, 0);
}

void Assembler::store(Size size, Reg base, std::int32_t offset, std::int32_t constant) {
  emit(BPF_ST | BPF_MEM | static_cast<std::uint32_t>(size), base, Reg::r0, offset, constant);
}

void Assembler::atomic_add(Reg base, std::int32_t offset, Reg from) {
  emit(BPF_STX | BPF_ATOMIC | BPF_DW, base, from, offset, BPF_ADD);
}

void Assembler::exchange(Reg base, std::int32_t offset, Reg with) {
  emit(BPF_STX | BPF_ATOMIC | BPF_DW, base, with, offset, BPF_XCHG);
}

void Assembler::compare_exchange(Reg base, std::int32_t offset, Reg value) {
  emit(BPF_STX | BPF_ATOMIC | BPF_DW, base, value, offset, BPF_CMPXCHG);
}

void Assembler::jump(Label to) {
  refer(to, false);
  emit(BPF_JMP | BPF_JA, Reg::r0, Reg::r0, 0, 0);
}

void Assembler::jump_if(If condition, Reg left, Reg right, Label to) {
  refer(to, false);
  emit(BPF_JMP | static_cast<std::uint32_t>(condition) | BPF_X, left, right, 0, 0);
}

void Assembler::jump_if(If condition, Reg left, std::int32_t constant, Label to) {
  refer(to, false);
  emit(BPF_JMP | static_cast<std::uint32_t>(condition) | BPF_K, left, Reg::r0, 0, constant);
}

void Assembler::call(bpf_func_id helper) {
  emit(BPF_JMP | BPF_CALL, Reg::r0, Reg::r0, 0, static_cast<std::int32_t>(helper));
}

void Assembler::call_helper(std::int32_t helper) {
  emit(BPF_JMP | BPF_CALL, Reg::r0, Reg::r0, 0, helper);
}

void Assembler::call_kernel(std::uint32_t btf_id) {
  emit(BPF_JMP | BPF_CALL, Reg::r0, static_cast<Reg>(BPF_PSEUDO_KFUNC_CALL), 0,
       static_cast<std::int32_t>(btf_id));
}

void Assembler::call(Label subprogram) {
  refer(subprogram, true);
  emit(BPF_JMP | BPF_CALL, Reg::r0, static_cast<Reg>(BPF_PSEUDO_CALL), 0, 0);
}

void Assembler::exit() { emit(BPF_JMP | BPF_EXIT, Reg::r0, Reg::r0, 0, 0); }

void Assembler::load_map(Reg to, int map_fd) {
  emit_wide(to, BPF_PSEUDO_MAP_FD, static_cast<std::uint32_t>(map_fd));
}

void Assembler::load_map_value(Reg to, int map_fd, std::uint32_t offset) {
  emit_wide(to, BPF_PSEUDO_MAP_VALUE,
            static_cast<std::uint64_t>(offset) << 32 | static_cast<std::uint32_t>(map_fd));
}

Result<std::vector<bpf_insn>> Assembler::finish() const {
  bool too_far = offset_too_large_;
  std::vector<bpf_insn> code = code_;
  for (const Reference& reference : references_) {
    const std::int64_t distance = labels_[reference.label] - std::int64_t{reference.at} - 1;
    if (reference.is_call) {
      code[reference.at].imm = static_cast<std::int32_t>(distance);
    } else {
      too_far |= !fits<std::int16_t>(distance);
      code[reference.at].off = static_cast<std::int16_t>(distance);
    }
  }
  if (too_far)
    return fail(Code::kLimit, "a generated program of " + std::to_string(code.size()) +
                                  " instructions is too large for its jumps: ask for fewer fields");
  return code;
}

}  // namespace sillage::bpf
