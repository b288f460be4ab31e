// SPDX-License-Identifier: MIT
// From a system call to the program of its event, by number.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "bpf/assembler.hpp"
#include "kernel/btf.hpp"
#include "kernel/current_task.hpp"
#include "kernel/pins.hpp"
#include "kernel/syscall_registers.hpp"
#include "kernel/system_calls.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <vector>

namespace sillage::kernel {

/// Which system call, and when.
struct SyscallPlace {
  Abi abi = Abi::kNative;
  bool at_exit = false;
  std::optional<std::uint32_t> number{};  ///< none: calls of which no other program knows
  auto operator<=>(const SyscallPlace&) const = default;
};

/// Two small programs on sys_enter and sys_exit, each of which jumps to the program of the call by its
/// number. Calls that are not asked for end there, before anything else is looked at; then those that a filter rejects
/// which all programs have.
///
/// Threads: one at a time.
class SyscallDispatch {
 public:
  /// Makes the tables; what `current` names has to stay open until start(). Calls of the process whose number is in the map
  /// `excluded_fd` are not recorded; -1 = all are. `may_change`: what it dispatches may change while it is started.
  ///
  /// Errors: those of the maps and of SyscallRegisters::find().
  [[nodiscard]] static Result<std::unique_ptr<SyscallDispatch>> create(const Btf& btf,
                                                                       const CurrentTask& current,
                                                                       int excluded_fd,
                                                                       bool may_change);

  /// Errors: kLimit  a number that no table has room for.
  [[nodiscard]] static Status check(const SyscallPlace& place);

  /// Has all ready for a program in that place: once it is started, put() is all that is missing. `gate`:
  /// ProgramBuilder::build_gate() of the event; as long as that of all is the same, nobody is asked whom it rejects.
  ///
  /// Errors: kLimit  a number that no table has room for.
  [[nodiscard]] Status expect(const SyscallPlace& place, const std::vector<bpf_insn>& gate);
  /// Puts the program of an event into its place, which may be another one's until then; it runs from now on if started,
  /// that of calls without a number from the next start() unless it may change. Its descriptor is not needed any more.
  ///
  /// Errors: those of expect().
  [[nodiscard]] Status put(const SyscallPlace& place, int program_fd,
                           const std::vector<bpf_insn>& gate);

  /// Takes the program out of a place, if there is one.
  void remove(const SyscallPlace& place);

  /// Attaches to entry, exit or both, as there are programs for.
  [[nodiscard]] Status start();
  /// Pins tables and links that are not pinned yet, so that they outlive this process: as table_pin() and "link_sys_...".
  [[nodiscard]] Status pin(const PinDirectory& pins);
  /// The name of the table that has that place.
  [[nodiscard]] static std::string table_pin(const SyscallPlace& place);
  /// Puts a program into such a table, or takes it out: -1.
  [[nodiscard]] static Status put(int table_fd, const SyscallPlace& place, int program_fd);
  /// Detaches.
  void stop();

  /// System calls that were missed because the program ran already on that CPU.
  [[nodiscard]] std::uint64_t recursion_misses() const;

 private:
  struct Direction {
    std::array<Fd, 2> tables;  // by Abi
    Fd wanted;  // a byte of each number: whether either table has it; then whether gates differ
    Fd program, link;
    std::array<std::set<std::uint32_t>, 2> numbers;  // by Abi: what the tables have
    std::optional<std::vector<bpf_insn>> gate;       // of the first program; once there is one
    bool gates_differ = false;
    bool is_used = false;
    bool are_tables_pinned = false, is_link_pinned = false;
    std::array<bool, 2> has_unknown{};  // by Abi: a program for calls without one
  };

  SyscallDispatch(const SyscallRegisters& registers, bool may_change)
      : registers_(registers), may_change_(may_change) {}
  [[nodiscard]] Result<Fd> load(bool at_exit) const;
  [[nodiscard]] static Status say_wanted(const Direction& direction);
  void leave_unwanted(bpf::Assembler* assembler, const Direction& direction, bpf::Label out) const;
  static void leave_rejected(bpf::Assembler* assembler, const Direction& direction, bpf::Label out);
  static void jump_to(bpf::Assembler* assembler, const Fd& table,
                      std::optional<std::uint32_t> index);
  static void search(bpf::Assembler* assembler, const Fd& table,
                     std::span<const std::uint32_t> numbers, bpf::Label others);
  void jump_by_number(bpf::Assembler* assembler, bool at_exit, Abi abi) const;

  SyscallRegisters registers_;
  bool may_change_;
  CurrentTask current_{};
  int excluded_fd_ = -1;
  std::int32_t tgid_offset_ = 0;               // in struct task_struct
  std::array<std::uint32_t, 2> attach_ids_{};  // types of the tracepoints
  std::array<Direction, 2> directions_;        // entry, exit
};

}  // namespace sillage::kernel
