// SPDX-License-Identifier: MIT
// The instructions that compute a resolved expression.
#pragma once

#include "bpf/assembler.hpp"
#include "kernel/expression.hpp"

#include <cstdint>
#include <string>

namespace sillage::kernel {

/// Emits the computing of values into r1.
///
/// Registers: r6 is the program's context; r0 to r5 are lost; r7 to r9 keep their values.
/// Stack:     from `stack_top` (offset from r10) downwards.
class ValueCode {
 public:
  /// `check_nulls`: arguments may be null as the verifier sees it, so look before following them.
  ValueCode(bpf::Assembler& assembler, std::int32_t stack_top, bool check_nulls)
      : a_(assembler),
        task_slot_(stack_top - 8),
        temporaries_(task_slot_),
        check_nulls_(check_nulls) {}

  /// Keeps the running task for kCurrent; once, before anything that uses it.
  void prepare_current();

  /// r1 = the value of the node, extended to 64 bits as its size and sign say; of a kPlace its address.
  void evaluate(const Node& node);

  /// Copies `bytes` bytes from where a node points, or from the memory that a kPlace is, to
  /// [r9 + offset]. What cannot be read becomes zeros.
  void copy_memory(const Node& node, std::uint32_t bytes, std::int32_t offset);

  /// An expression needed more of the stack than there is: the program cannot be used.
  [[nodiscard]] bool overflowed() const { return overflowed_; }

  /// Whether expressions use the running task: prepare_current() is needed.
  [[nodiscard]] static bool uses_current(const Node& node);

 private:
  [[nodiscard]] std::int32_t push();
  void pop() { depth_ -= 8; }
  void load(const Node& node);
  void read_unknown(std::int32_t slot, std::uint32_t bytes, std::int32_t offset, bool is_user);
  void operation(const Node& node);
  void logical(const Node& node);
  void compare(bpf::If condition);
  void choice(const Node& node);
  void call(const Node& node);
  void highest_bit();
  void fit(std::uint32_t bytes, bool is_signed);

  bpf::Assembler& a_;
  const std::int32_t task_slot_, temporaries_;
  std::int32_t depth_ = 0;
  const bool check_nulls_;
  bool overflowed_ = false;
};

}  // namespace sillage::kernel
