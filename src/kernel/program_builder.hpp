// SPDX-License-Identifier: MIT
// From a plan to instructions: one specialised program per event.
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "bpf/assembler.hpp"
#include "kernel/maps.hpp"
#include "kernel/program_plan.hpp"
#include "kernel/ring_code.hpp"
#include "kernel/user_code.hpp"
#include "kernel/value_code.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sillage::kernel {

/// What all programs of a channel have in common.
struct ProgramTarget {
  RingTarget ring{};
  int scratch_fd = -1;  ///< create_scratch_map()
  CurrentTask current{};
  std::vector<FieldPlan> contexts{};
  /// create_number_map() with the process whose own doings (EventPlan::is_own_doing) are not recorded; -1 = all are.
  int excluded_fd = -1;
  /// create_number_map(): events are recorded while it is `turn`, so that one store ends what one channel's programs do and
  /// begins what another's do; -1 = always.
  int turn_fd = -1;
  std::uint32_t turn = 0;
  /// create_flags_map(): a byte of each event, by its id, that says which of its programs records it; -1 = all do.
  int event_turns_fd = -1;
  SetMaps* sets = nullptr;  ///< for filters with large sets
  /// create_tally_map(), for build_counter(): `tally_count` numbers for each event, by its id; -1 = none.
  int tally_fd = -1;
  std::uint32_t tally_count = 0;
};

/// One record of an iterator's program.
struct RecordPlan {
  EventPlan event;
  EventId id;
  std::optional<Node> condition{};  ///< where it is 0 there is no such record
};

/// What an iterator's program records of each thing that it comes to.
struct IteratorPlan {
  AttachPlan attach{};
  std::vector<std::uint32_t>
      pointers;  ///< arguments that are null behind the last one: nothing is recorded
  std::vector<RecordPlan> records;
};

/// Makes the program of one event.
///
/// A record whose size is constant is reserved first and written in place. One with strings or sequences is put
/// together in a scratch area of the CPU, then reserved in its exact size and copied.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(const ProgramTarget& target);

  /// `event_turn`: of the event, while which its program records; none: always.
  ///
  /// Errors: kLimit  the event needs more of the stack, or of a program's size, than there is.
  [[nodiscard]] Result<std::vector<bpf_insn>> build(const EventPlan& plan, std::uint32_t event_id,
                                                    std::optional<std::uint8_t> event_turn = {});
  /// A program that records nothing, but adds to the event's tallies: one to the first, and one for each of `counted` that wants
  /// it, in their order.
  ///
  /// Errors: as build().
  [[nodiscard]] Result<std::vector<bpf_insn>> build_counter(const EventPlan& plan,
                                                            std::uint32_t event_id);
  /// The filter alone, if it says the same of every event that a task causes there (contexts, no payload): for a place
  /// in front of many programs, where r6 is the program's context. r0 becomes 0 for what is rejected; r1 to r5 and r9
  /// are lost. Empty if there is none, or it is too large to be evaluated twice.
  ///
  /// Errors: as build().
  [[nodiscard]] Result<std::vector<bpf_insn>> build_gate(const EventPlan& plan);
  /// Errors: as build().
  [[nodiscard]] Result<std::vector<bpf_insn>> build_iterator(const IteratorPlan& plan);
  /// A program that writes the record which its context describes: u32 event id, u32 bytes of payload, payload.
  [[nodiscard]] Result<std::vector<bpf_insn>> build_writer();

  /// What a payload given to the writer may have.
  static constexpr std::uint32_t kMaxInputBytes = 4096;

 private:
  void enter(const AttachPlan& attach);
  [[nodiscard]] Status begin(const std::vector<FieldPlan>& fields, const FilterPlan& filter,
                             bool is_own_doing, bpf::Label out);
  void leave_others_turn(bpf::Label out);
  void leave_excluded(bool* is_prepared, bpf::Label out);
  [[nodiscard]] Status filter_in_scratch(const FilterPlan& filter, bpf::Label out);
  void tally(std::uint32_t event_id, std::uint32_t which);
  [[nodiscard]] Status write_record(const EventPlan& plan, std::uint32_t event_id, bpf::Label out);
  [[nodiscard]] Result<std::vector<bpf_insn>> finish(const std::string& name, bpf::Label out);
  void write_direct(const EventPlan& plan, std::uint32_t event_id, bpf::Label out);
  void write_staged(const EventPlan& plan, std::uint32_t event_id, bpf::Label out);
  void take_scratch(bpf::Label out);
  void release_scratch();
  void write_fields(const std::vector<FieldPlan>& fields);
  void write_field(const FieldPlan& field);
  void write_record_bytes(const FieldPlan& field);
  void write_string(const FieldPlan& field);
  void write_path(const FieldPlan& field);
  void write_input();
  void write_sequence(const FieldPlan& field);
  void write_user(const FieldPlan& field);
  void write_stack(const FieldPlan& field);
  void load_record_place(const FieldPlan& field);

  const ProgramTarget& target_;
  bpf::Assembler a_;
  RingCode ring_;
  ValueCode values_;
  UserCode user_;
  std::int32_t at_ = 0;  // offset of the next field from r9
  bool has_stack_ = true, is_writer_ = false;
  std::uint32_t own_callers_ = 0;
  std::uint64_t result_ = 0;  // of the program
  std::uint32_t event_id_ = 0;
  std::optional<std::uint8_t> event_turn_;
  std::uint32_t string_bytes_ = 0;  // bound on each string and tracefs sequence of the event
};

/// Bytes of fields whose size is constant.
[[nodiscard]] std::uint32_t fixed_bytes(const std::vector<FieldPlan>& fields);

}  // namespace sillage::kernel
