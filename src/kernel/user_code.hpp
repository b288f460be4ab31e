// SPDX-License-Identifier: MIT
// The instructions that record what a pointer of the running process points to.
#pragma once

#include "bpf/assembler.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/value_code.hpp"

#include <cstdint>
#include <vector>

namespace sillage::kernel {

/// Emits the copying of the running process's memory to where r9 points. What cannot be read (a bad
/// pointer, a page that is not in memory: programs do not wait) becomes zeros or nothing, and no
/// event is lost for it.
///
/// Registers: as ValueCode; r8 is lost, r9 moves behind what was written by all but memory().
/// Stack:     kStackBytes from `stack_top` (offset from r10) downwards.
class UserCode {
 public:
  static constexpr std::int32_t kStackBytes = 88;
  /// Bound on each of kUserStrings; all bits set.
  static constexpr std::uint32_t kMaxStringBytes = 255;
  /// Bound on a socket address: struct sockaddr_storage.
  static constexpr std::uint32_t kMaxAddressBytes = 128;
  /// Bound on kKernelElements: that of nested PID namespaces (MAX_PID_NS_LEVEL).
  static constexpr std::uint32_t kMaxElements = 32;

  UserCode(bpf::Assembler& assembler, ValueCode& values, std::int32_t stack_top)
      : a_(assembler),
        values_(values),
        pointer_(stack_top - 8),
        place_(stack_top - 16),
        count_(stack_top - 24),
        element_(stack_top - kStackBytes) {}

  /// FieldPlan::Kind::kUserMemory, to [r9 + offset].
  void memory(const FieldPlan& field, std::int32_t offset);
  /// kUserElements
  void elements(const FieldPlan& field);
  /// kKernelElements
  void kernel_elements(const FieldPlan& field);
  /// kUserStrings
  void strings(const FieldPlan& field);
  /// kUserAddress
  void address(const FieldPlan& field);

  /// Most bytes that a field of one of the kinds above can have.
  [[nodiscard]] static std::uint32_t max_bytes(const FieldPlan& field);

 private:
  void read(std::int32_t to_offset, std::uint32_t bytes, std::int32_t from_offset);
  void copy_pieces(const UserShape& shape, std::int32_t to_offset);
  void load_count(const Node& count, std::uint32_t max_count);
  void element_loop(const UserShape& shape);
  void read_string();
  void unix_path();

  bpf::Assembler& a_;
  ValueCode& values_;
  const std::int32_t pointer_, place_, count_, element_;
};

}  // namespace sillage::kernel
