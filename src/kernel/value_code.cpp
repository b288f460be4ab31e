// SPDX-License-Identifier: MIT
#include "kernel/value_code.hpp"

#include <algorithm>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

// Whether interrupts are enabled, in the flags that the kernel saves and in registers that an exception does.
#if defined(__x86_64__)
// Source: arch/x86/include/uapi/asm/ptrace.h struct pt_regs; X86_EFLAGS_IF
constexpr std::int32_t kSavedFlags = 144, kInterruptBit = 9, kBitWhenEnabled = 1;
#else
// Source: arch/arm64/include/uapi/asm/ptrace.h struct user_pt_regs; PSR_I_BIT
constexpr std::int32_t kSavedFlags = 264, kInterruptBit = 7, kBitWhenEnabled = 0;
#endif

// struct bpf_perf_event_value
constexpr std::uint32_t kCounterValueBytes = 24;

constexpr std::int32_t kStackEnd = -320;  // the out-of-line switch of the ring has a frame, too

}  // namespace

bool ValueCode::uses_current(const Node& node) {
  return node.kind == Node::Kind::kCurrent ||
         std::any_of(node.operands.begin(), node.operands.end(), uses_current);
}

bool ValueCode::uses_arguments(const Node& node) {
  return node.kind == Node::Kind::kArgument ||
         std::any_of(node.operands.begin(), node.operands.end(), uses_arguments);
}

void ValueCode::prepare_current() {
  load_current_task(a_, current_, temporaries_);
  a_.store(Size::k8, r10, task_slot_, r1);
}

std::int32_t ValueCode::push() {
  depth_ += 8;
  if (temporaries_ - depth_ < kStackEnd) overflowed_ = true;
  return std::max(temporaries_ - depth_, kStackEnd);
}

void ValueCode::fit(std::uint32_t bytes, bool is_signed) {
  if (is_signed) {
    a_.sign_extend(r1, bytes * 8);
  } else {
    a_.zero_extend(r1, bytes * 8);
  }
}

void ValueCode::evaluate(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kArgument: argument(node); break;
    case Node::Kind::kCurrent: a_.load(Size::k8, r1, r10, task_slot_); break;
    case Node::Kind::kVariable: {
      a_.move(r1, node.constant);
      const std::int32_t slot = push();
      read_unknown(slot, 8, 0, false);
      a_.load(Size::k8, r1, r10, slot);
      pop();
      break;
    }
    case Node::Kind::kConstant: a_.move(r1, node.constant); break;
    case Node::Kind::kLoad: load(node); break;
    case Node::Kind::kPlace:
      evaluate(node.operands.front());
      if (node.offset != 0) a_.alu(Alu::kAdd, r1, node.offset);
      break;
    case Node::Kind::kOperation: operation(node); break;
    case Node::Kind::kChoice: choice(node); break;
    case Node::Kind::kCall: call(node); break;
  }
}

// Reads through the pointer in r1, which the verifier does not know, into the stack.
void ValueCode::read_unknown(std::int32_t slot, std::uint32_t bytes, std::int32_t offset,
                             bool is_user) {
  a_.move(r3, r1);
  if (offset != 0) a_.alu(Alu::kAdd, r3, offset);
  a_.store(Size::k8, r10, slot, 0);
  a_.move(r1, r10);
  a_.alu(Alu::kAdd, r1, slot);
  a_.move(r2, bytes);
  a_.call(is_user ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel);
}

void ValueCode::trusted_argument(std::uint32_t index) {
  a_.load(Size::k8, r1, r6, static_cast<std::int32_t>(8 * index));
  if (null_argument_) a_.jump_if(If::kEqual, r1, 0, *null_argument_);
}

void ValueCode::argument(const Node& node) {
  if (null_argument_ && node.is_pointer) {
    trusted_argument(node.index);
    if (node.is_known && node.type.id != 0) cast(node.type.id);
    return;
  }
  a_.load(Size::k8, r1, r6, static_cast<std::int32_t>(8 * node.index));
  if (!node.is_pointer) {
    fit(node.size_bytes, node.is_signed);
  } else if (node.is_known && node.type.id != 0) {  // 0: is never null
    cast(node.type.id);
  }
}

// Has the verifier distrust the pointer in r1.
void ValueCode::cast(std::uint32_t type) {
  if (current_.casts.function == 0) return;
  a_.move(r2, type);
  a_.call_kernel(current_.casts.function);
  a_.move(r1, r0);
}

void ValueCode::load(const Node& node) {
  const Node& base = node.operands.front();
  evaluate(base);
  if (base.is_known && !node.is_user) {
    a_.load(bpf::size_of_bytes(node.load_bytes), r1, r1, node.offset);
  } else {
    const std::int32_t slot = push();
    read_unknown(slot, node.load_bytes, node.offset, node.is_user);
    a_.load(bpf::size_of_bytes(node.load_bytes), r1, r10, slot);
    pop();
  }
  if (node.bit_count != 0) {
    const std::uint32_t above = 64 - node.bit_count - node.bit_shift;
    a_.alu(Alu::kShiftLeft, r1, static_cast<std::int32_t>(above));
    a_.alu(node.is_signed ? Alu::kShiftRightSigned : Alu::kShiftRight, r1,
           static_cast<std::int32_t>(64 - node.bit_count));
  } else if (node.is_signed && !node.is_pointer) {
    a_.sign_extend(r1, node.load_bytes * 8);
  }
}

void ValueCode::copy_memory(const Node& node, std::uint32_t bytes, std::int32_t offset) {
  evaluate(node);
  if (node.is_known) {
    std::uint32_t at = 0;
    while (at < bytes) {
      const std::uint32_t left = bytes - at;
      const std::uint32_t step = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
      a_.load(bpf::size_of_bytes(step), r2, r1, static_cast<std::int32_t>(at));
      a_.store(bpf::size_of_bytes(step), r9, offset + static_cast<std::int32_t>(at), r2);
      at += step;
    }
    return;
  }
  a_.move(r3, r1);
  a_.move(r1, r9);
  a_.alu(Alu::kAdd, r1, offset);
  a_.move(r2, bytes);
  a_.call(BPF_FUNC_probe_read_kernel);
}

// r1 = whether (left in r1) CONDITION (right in r2).
void ValueCode::compare(If condition) {
  const Label holds = a_.label();
  a_.move(r3, 1u);
  a_.jump_if(condition, r1, r2, holds);
  a_.move(r3, 0u);
  a_.bind(holds);
  a_.move(r1, r3);
}

void ValueCode::logical(const Node& node) {
  const bool is_and = node.operation == Operation::kLogicalAnd;
  const Label decided = a_.label();
  for (std::size_t i = 0; i < 2; ++i) {
    evaluate(node.operands[i]);
    a_.move(r2, 0u);
    compare(If::kNotEqual);
    if (i == 0) a_.jump_if(is_and ? If::kEqual : If::kNotEqual, r1, 0, decided);
  }
  a_.bind(decided);
}

void ValueCode::operation(const Node& node) {
  if (node.operation == Operation::kLogicalAnd || node.operation == Operation::kLogicalOr)
    return logical(node);
  evaluate(node.operands.front());
  if (node.operands.size() == 1) {
    switch (node.operation) {
      case Operation::kNegate:
        a_.move(r2, r1);
        a_.move(r1, 0u);
        a_.alu(Alu::kSubtract, r1, r2);
        break;
      case Operation::kComplement: a_.alu(Alu::kXor, r1, -1); break;
      default:  // kNot
        a_.move(r2, 0u);
        compare(If::kEqual);
    }
    return;
  }
  const Node& right = node.operands.back();
  if (right.kind == Node::Kind::kConstant) {
    a_.move(r2, right.constant);
  } else {
    const std::int32_t slot = push();
    a_.store(Size::k8, r10, slot, r1);
    evaluate(right);
    a_.move(r2, r1);
    a_.load(Size::k8, r1, r10, slot);
    pop();
  }
  const bool is_signed = node.operands.front().is_signed && right.is_signed;
  switch (node.operation) {
    case Operation::kAdd: a_.alu(Alu::kAdd, r1, r2); break;
    case Operation::kSubtract: a_.alu(Alu::kSubtract, r1, r2); break;
    case Operation::kMultiply: a_.alu(Alu::kMultiply, r1, r2); break;
    case Operation::kDivide: a_.alu(Alu::kDivide, r1, r2); break;
    case Operation::kRemainder: a_.alu(Alu::kRemainder, r1, r2); break;
    case Operation::kAnd: a_.alu(Alu::kAnd, r1, r2); break;
    case Operation::kOr: a_.alu(Alu::kOr, r1, r2); break;
    case Operation::kXor: a_.alu(Alu::kXor, r1, r2); break;
    case Operation::kShiftLeft: a_.alu(Alu::kShiftLeft, r1, r2); break;
    case Operation::kShiftRight:
      a_.alu(node.is_signed ? Alu::kShiftRightSigned : Alu::kShiftRight, r1, r2);
      break;
    case Operation::kEqual: compare(If::kEqual); break;
    case Operation::kNotEqual: compare(If::kNotEqual); break;
    case Operation::kLess: compare(is_signed ? If::kLess : If::kBelow); break;
    case Operation::kLessOrEqual: compare(is_signed ? If::kLessOrEqual : If::kBelowOrEqual); break;
    case Operation::kGreater: compare(is_signed ? If::kGreater : If::kAbove); break;
    case Operation::kGreaterOrEqual:
      compare(is_signed ? If::kGreaterOrEqual : If::kAboveOrEqual);
      break;
    default: break;
  }
}

void ValueCode::choice(const Node& node) {
  const Label no = a_.label(), done = a_.label();
  evaluate(node.operands[0]);
  a_.jump_if(If::kEqual, r1, 0, no);
  evaluate(node.operands[1]);
  a_.jump(done);
  a_.bind(no);
  evaluate(node.operands[2]);
  a_.bind(done);
}

void ValueCode::call(const Node& node) {
  switch (node.function) {
    case Function::kHighestBit:
      evaluate(node.operands.front());
      highest_bit();
      break;
    case Function::kSwap16:
      evaluate(node.operands.front());
      a_.swap_bytes(r1, 16);
      break;
    case Function::kSwap32:
      evaluate(node.operands.front());
      a_.swap_bytes(r1, 32);
      break;
    case Function::kJiffies:
      a_.call(BPF_FUNC_jiffies64);
      a_.move(r1, r0);
      break;
    case Function::kCpu:
      a_.call(BPF_FUNC_get_smp_processor_id);
      a_.move(r1, r0);
      break;
    case Function::kInterruptible: interruptible(node); break;
    case Function::kOwnPreemption: a_.move(r1, std::uint64_t{situation_.own_preemption}); break;
    case Function::kCounter: counter(node); break;
    case Function::kProbedFunction:
      a_.move(r1, r6);
      a_.call(BPF_FUNC_get_func_ip);
      a_.move(r1, r0);
      break;
  }
}

// The flags are what disabling interrupts saved. The verifier keeps its hands on them until they are enabled again,
// and takes them for any bytes of the stack from then on.
void ValueCode::interruptible(const Node& node) {
  if (situation_.interrupts == Situation::Interrupts::kEnabled) {
    a_.move(r1, 1u);
    return;
  }
  if (situation_.interrupts == Situation::Interrupts::kSaved) {
    a_.load(Size::k8, r1, r6, kSavedFlags);
  } else if (node.index != 0) {
    const std::int32_t slot = push();
    for (const std::uint64_t function : {std::uint64_t{node.index}, node.constant}) {
      a_.move(r1, r10);
      a_.alu(Alu::kAdd, r1, slot);
      a_.call_kernel(static_cast<std::uint32_t>(function));
    }
    a_.load(Size::k8, r1, r10, slot);
    pop();
  } else {
    a_.move(r1, ~std::uint64_t{0});
    return;
  }
  a_.alu(Alu::kShiftRight, r1, kInterruptBit);
  a_.alu(Alu::kAnd, r1, 1);
  if (kBitWhenEnabled == 0) a_.alu(Alu::kXor, r1, 1);
}

void ValueCode::counter(const Node& node) {
  if (!situation_.has_counters) {
    a_.move(r1, 0u);
    return;
  }
  std::int32_t value = 0;
  for (std::uint32_t i = 0; i < kCounterValueBytes; i += 8) value = push();
  a_.load_map(r1, static_cast<int>(node.index));
  a_.move(r2, std::uint64_t{BPF_F_CURRENT_CPU});
  a_.move(r3, r10);
  a_.alu(Alu::kAdd, r3, value);
  a_.move(r4, std::uint64_t{kCounterValueBytes});
  a_.call(BPF_FUNC_perf_event_read_value);  // zeros if it fails
  a_.load(Size::k8, r1, r10, value);
  for (std::uint32_t i = 0; i < kCounterValueBytes; i += 8) pop();
}

// Sets all bits below the highest one, then takes off all but it.
void ValueCode::highest_bit() {
  for (const std::int32_t shift : {1, 2, 4, 8, 16}) {
    a_.move(r2, r1);
    a_.alu(Alu::kShiftRight, r2, shift);
    a_.alu(Alu::kOr, r1, r2);
  }
  a_.move(r2, r1);
  a_.alu(Alu::kShiftRight, r2, 1);
  a_.alu(Alu::kSubtract, r1, r2);
}

}  // namespace sillage::kernel
