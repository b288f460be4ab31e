// SPDX-License-Identifier: MIT
// The instructions that compute a resolved expression.
#pragma once

#include "bpf/assembler.hpp"
#include "kernel/current_task.hpp"
#include "kernel/expression.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sillage::kernel {

/// What the kind of an event says of the state of the CPU that a program finds.
struct Situation {
  enum class Interrupts : std::uint8_t {
    kUnchanged,  ///< as where the event happened
    kSaved,      ///< as the registers say that are the program's context
    kEnabled,    ///< they were enabled, always
  };
  Interrupts interrupts = Interrupts::kUnchanged;
  std::uint32_t own_preemption = 0;  ///< Function::kOwnPreemption
  bool has_counters = true;  ///< sleepable programs may not use their maps; 0 stands for the count
};

/// Emits the computing of values into r1.
///
/// Registers: r6 is the program's context; r0 to r5 are lost; r7 to r9 keep their values.
/// Stack:     from `stack_top` (offset from r10) downwards.
class ValueCode {
 public:
  ValueCode(bpf::Assembler& assembler, std::int32_t stack_top, const CurrentTask& current)
      : a_(assembler), task_slot_(stack_top - 8), temporaries_(task_slot_), current_(current) {}

  /// Before anything that asks for it.
  void set_situation(const Situation& situation) { situation_ = situation; }

  /// Keeps the running task for kCurrent, before anything that uses it; r1 is it.
  void prepare_current();

  /// Arguments that are pointers may be null where the verifier tests for it (iterators): go to `out` then.
  void leave_if_null(bpf::Label out) { null_argument_ = out; }
  /// r1 = an argument that is a pointer, trusted.
  void trusted_argument(std::uint32_t index);

  /// r1 = the value of the node, extended to 64 bits as its size and sign say; of a kPlace its address.
  void evaluate(const Node& node);

  /// Copies `bytes` bytes from where a node points, or from the memory that a kPlace is, to
  /// [r9 + offset]. What cannot be read becomes zeros.
  void copy_memory(const Node& node, std::uint32_t bytes, std::int32_t offset);

  /// An expression needed more of the stack than there is: the program cannot be used.
  [[nodiscard]] bool overflowed() const { return overflowed_; }

  /// Whether expressions use the running task: prepare_current() is needed.
  [[nodiscard]] static bool uses_current(const Node& node);
  /// Whether they use an argument of the event.
  [[nodiscard]] static bool uses_arguments(const Node& node);

 private:
  [[nodiscard]] std::int32_t push();
  void pop() { depth_ -= 8; }
  void argument(const Node& node);
  void cast(std::uint32_t type);
  void load(const Node& node);
  void read_unknown(std::int32_t slot, std::uint32_t bytes, std::int32_t offset, bool is_user);
  void operation(const Node& node);
  void logical(const Node& node);
  void compare(bpf::If condition);
  void choice(const Node& node);
  void call(const Node& node);
  void highest_bit();
  void interruptible(const Node& node);
  void counter(const Node& node);
  void fit(std::uint32_t bytes, bool is_signed);

  bpf::Assembler& a_;
  const std::int32_t task_slot_, temporaries_;
  std::int32_t depth_ = 0;
  const CurrentTask current_;
  Situation situation_{};
  std::optional<bpf::Label> null_argument_;
  bool overflowed_ = false;
};

}  // namespace sillage::kernel
