// SPDX-License-Identifier: MIT
#include "kernel/program_builder.hpp"

#include "kernel/filter_code.hpp"
#include "kernel/maps.hpp"
#include "kernel/network_headers.hpp"

#include <algorithm>

namespace sillage::kernel {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

// On the stack, behind what the ring's code uses.
constexpr std::int32_t kCpu = -8;  // as RingCode::open_stream() leaves it
constexpr std::int32_t kScratch = -RingCode::kStackBytes - 8;
constexpr std::int32_t kStagedBytes = kScratch - 8;
constexpr std::int32_t kKey = kStagedBytes - 8;
constexpr std::int32_t kUser = kKey;
constexpr std::int32_t kValues = kUser - UserCode::kStackBytes;

// LTTng and the kernel bound paths by this.
constexpr std::uint32_t kMaxStringBytes = 4096;
constexpr std::size_t kMaxGate = 128;  // instructions
constexpr std::uint32_t kMaxStaged = kScratchBytes - kScratchLockBytes;

// What the way to a program leaves of the state of the CPU. Tracepoints call with preemption disabled; probes are reached by
// exceptions or jumps of several kinds, which all leave their own traces in the count.
// Source: include/linux/tracepoint.h, kernel/trace/bpf_trace.c
Situation situation_of(const AttachPlan& attach) {
  using Kind = AttachPlan::Kind;
  using Interrupts = Situation::Interrupts;
  const bool is_syscall = attach.name == "sys_enter" || attach.name == "sys_exit";
  switch (attach.kind) {
    case Kind::kTypedTracepoint:
    case Kind::kRawTracepoint:
    case Kind::kTracepoint: return {is_syscall ? Interrupts::kEnabled : Interrupts::kUnchanged, 1};
    case Kind::kProbe: return {Interrupts::kSaved, 0};
    case Kind::kIterator: return {Interrupts::kEnabled, 0};
    case Kind::kFunctionEntry:
    case Kind::kFunctionExit: break;
  }
  return {};
}

// Where a program gets a tracepoint's or function's arguments, the innermost callers are the program itself and what
// called it (bpf_trace_run2(), a trampoline); elsewhere the kernel begins with the registers that it passes.
std::uint32_t own_callers(const AttachPlan& attach) {
  using Kind = AttachPlan::Kind;
  return attach.kind == Kind::kTracepoint || attach.kind == Kind::kProbe ? 0 : kMaxOwnCallers;
}

bool is_fixed(const std::vector<FieldPlan>& fields) {
  return std::all_of(fields.begin(), fields.end(),
                     [](const FieldPlan& field) { return field.is_fixed(); });
}

// What the fields of an event, its contexts included, may take up.
struct Room {
  std::uint32_t bounded_bytes = 0;  // of those that have a bound of their own
  std::uint32_t others = 0;
};

void add_room(const std::vector<FieldPlan>& fields, Room* room) {
  for (const FieldPlan& field : fields) {
    if (field.is_fixed()) continue;
    const std::uint32_t bytes = UserCode::max_bytes(field);
    room->bounded_bytes += bytes;
    room->others += bytes == 0 ? 1 : 0;
  }
}

bool uses_current(const std::vector<FieldPlan>& fields) {
  return std::any_of(fields.begin(), fields.end(), [](const FieldPlan& field) {
    return ValueCode::uses_current(field.value) || ValueCode::uses_current(field.count);
  });
}

}  // namespace

std::uint32_t fixed_bytes(const std::vector<FieldPlan>& fields) {
  std::uint32_t bytes = 0;
  for (const FieldPlan& field : fields) bytes += field.is_fixed() ? field.bytes : 4;
  return bytes;
}

ProgramBuilder::ProgramBuilder(const ProgramTarget& target)
    : target_(target),
      ring_(a_, target.ring),
      values_(a_, kValues, target.current),
      user_(a_, values_, kUser) {}

Result<std::vector<bpf_insn>> ProgramBuilder::build(const EventPlan& plan, std::uint32_t event_id,
                                                    std::optional<std::uint8_t> event_turn) {
  const Label out = a_.label();
  event_id_ = event_id;
  event_turn_ = event_turn;
  enter(plan.attach);
  SILLAGE_TRY(begin(plan.fields, plan.filter, plan.is_own_doing, out));
  SILLAGE_TRY(write_record(plan, event_id, out));
  return finish(plan.name, out);
}

Result<std::vector<bpf_insn>> ProgramBuilder::build_counter(const EventPlan& plan,
                                                            std::uint32_t event_id) {
  const auto any = [&plan](const auto& holds) {
    return std::ranges::any_of(plan.counted,
                               [&](const auto& filter) { return filter && holds(*filter); });
  };
  const Label out = a_.label();
  enter(plan.attach);
  a_.move(r6, r1);
  bool is_prepared = false;
  if (plan.is_own_doing) leave_excluded(&is_prepared, out);
  if (!is_prepared && any([](const FilterPlan& filter) { return uses_current(filter.fields); }))
    values_.prepare_current();
  const bool in_scratch = any(FilterCode::needs_scratch);
  if (in_scratch) {
    a_.call(BPF_FUNC_get_smp_processor_id);
    a_.store(Size::k4, r10, kCpu, r0);
    take_scratch(out);
  }
  for (std::uint32_t i = 0; i < plan.counted.size(); ++i) {
    if (!plan.counted[i]) continue;
    const FilterPlan& filter = *plan.counted[i];
    const Label next = a_.label();
    if (FilterCode::needs_scratch(filter)) {
      a_.load(Size::k8, r9, r10, kScratch);
      a_.alu(Alu::kAdd, r9, static_cast<std::int32_t>(kScratchLockBytes));
    }
    SILLAGE_TRY(FilterCode(a_, values_, filter, target_.sets).emit(next));
    tally(event_id, 1 + i);
    a_.bind(next);
  }
  // Last: who reads meanwhile finds no event that was wanted and had not happened.
  tally(event_id, 0);
  if (in_scratch) release_scratch();
  a_.bind(out);
  a_.move(r0, result_);
  a_.exit();
  if (values_.overflowed())
    return fail(Code::kLimit,
                "the filters on " + plan.name + " are too deeply nested for a program");
  return a_.finish();
}

void ProgramBuilder::tally(std::uint32_t event_id, std::uint32_t which) {
  a_.load_map_value(r1, target_.tally_fd, 8 * (event_id * target_.tally_count + which));
  a_.move(r2, 1u);
  a_.atomic_add(r1, 0, r2);
}

Result<std::vector<bpf_insn>> ProgramBuilder::build_gate(const EventPlan& plan) {
  const FilterPlan& filter = plan.filter;
  const bool is_of_call =
      std::any_of(filter.fields.begin(), filter.fields.end(), [](const FieldPlan& field) {
        return (field.kind != FieldPlan::Kind::kInteger &&
                field.kind != FieldPlan::Kind::kMemory) ||
               ValueCode::uses_arguments(field.value) || ValueCode::uses_arguments(field.count);
      });
  if (filter.any_of.empty() || is_of_call || FilterCode::needs_scratch(filter))
    return std::vector<bpf_insn>{};
  const Label no_match = a_.label(), end = a_.label();
  enter(plan.attach);
  if (uses_current(filter.fields)) values_.prepare_current();
  // Without sets: their maps go once a program has them, and gates are put into others.
  const Status emitted = FilterCode(a_, values_, filter, nullptr).emit(no_match);
  if (!emitted && emitted.error().code == Code::kUnsupported) return std::vector<bpf_insn>{};
  SILLAGE_TRY(emitted);
  a_.move(r0, 1u);
  a_.jump(end);
  a_.bind(no_match);
  a_.move(r0, 0u);
  a_.bind(end);
  if (values_.overflowed() || a_.size() > kMaxGate) return std::vector<bpf_insn>{};
  return a_.finish();
}

Result<std::vector<bpf_insn>> ProgramBuilder::build_iterator(const IteratorPlan& plan) {
  const Label out = a_.label();
  enter(plan.attach);
  std::vector<FieldPlan> all;
  for (const RecordPlan& record : plan.records)
    all.insert(all.end(), record.event.fields.begin(), record.event.fields.end());
  values_.leave_if_null(out);
  SILLAGE_TRY(begin(all, {}, false, out));
  for (const std::uint32_t index : plan.pointers) values_.trusted_argument(index);
  for (const RecordPlan& record : plan.records) {
    const Label next = a_.label();
    if (record.condition) {
      values_.evaluate(*record.condition);
      a_.jump_if(If::kEqual, r1, 0, next);
    }
    SILLAGE_TRY(write_record(record.event, record.id.value, next));
    a_.bind(next);
  }
  return finish(plan.attach.name, out);
}

Result<std::vector<bpf_insn>> ProgramBuilder::build_writer() {
  EventPlan plan;
  is_writer_ = true;
  plan.name = "write_record";
  plan.attach.kind = AttachPlan::Kind::kIterator;  // as these it runs for the daemon
  plan.fields.push_back({.kind = FieldPlan::Kind::kInput, .name = "input"});
  return build(plan, RingCode::kIdFollows);
}

void ProgramBuilder::enter(const AttachPlan& attach) {
  Situation situation = situation_of(attach);
  situation.has_counters = !is_writer_;
  values_.set_situation(situation);
  has_stack_ = attach.kind != AttachPlan::Kind::kIterator;
  own_callers_ = own_callers(attach);
  // Of events that perf records, too, 0 would keep them from it.
  // Source: kernel/trace/bpf_trace.c trace_call_bpf()
  const bool shares_with_perf =
      attach.kind == AttachPlan::Kind::kTracepoint || attach.kind == AttachPlan::Kind::kProbe;
  result_ = shares_with_perf ? 1 : 0;
}

Status ProgramBuilder::begin(const std::vector<FieldPlan>& fields, const FilterPlan& filter,
                             bool is_own_doing, Label out) {
  a_.move(r6, r1);
  // What is rejected costs nothing else.
  const bool filter_uses_current = uses_current(filter.fields);
  const bool in_scratch = FilterCode::needs_scratch(filter);
  bool is_prepared = filter_uses_current;
  if (filter_uses_current) values_.prepare_current();
  if (!in_scratch) SILLAGE_TRY(FilterCode(a_, values_, filter, target_.sets).emit(out));
  // Iterators and the writer run when they are told to.
  if (has_stack_) leave_others_turn(out);
  if (is_own_doing) leave_excluded(&is_prepared, out);
  if (!is_prepared && (uses_current(target_.contexts) || uses_current(fields)))
    values_.prepare_current();
  ring_.open_stream(out);
  return in_scratch ? filter_in_scratch(filter, out) : Status();
}

void ProgramBuilder::leave_others_turn(Label out) {
  if (target_.turn_fd >= 0) {
    a_.load_map_value(r1, target_.turn_fd);
    a_.load(Size::k4, r1, r1, 0);
    a_.jump_if(If::kNotEqual, r1, static_cast<std::int32_t>(target_.turn), out);
  }
  if (event_turn_) {
    a_.load_map_value(r1, target_.event_turns_fd, event_id_);
    a_.load(Size::k1, r1, r1, 0);
    a_.jump_if(If::kNotEqual, r1, std::int32_t{*event_turn_}, out);
  }
}

void ProgramBuilder::leave_excluded(bool* is_prepared, Label out) {
  if (target_.excluded_fd < 0) return;
  if (target_.current.addresses_fd >= 0) {
    values_.prepare_current();
    *is_prepared = true;
    a_.load(Size::k4, r1, r1, target_.current.casts.current->tgid_offset);
    a_.load_map_value(r2, target_.excluded_fd);
    a_.load(Size::k4, r2, r2, 0);
    a_.jump_if(If::kEqual, r1, r2, out);
  } else {
    a_.call(BPF_FUNC_get_current_pid_tgid);
    a_.alu(Alu::kShiftRight, r0, 32);
    a_.load_map_value(r1, target_.excluded_fd);
    a_.load(Size::k4, r1, r1, 0);
    a_.jump_if(If::kEqual, r0, r1, out);
  }
}

Status ProgramBuilder::filter_in_scratch(const FilterPlan& filter, Label out) {
  const Label no_match = a_.label(), matched = a_.label();
  take_scratch(out);
  SILLAGE_TRY(FilterCode(a_, values_, filter, target_.sets).emit(no_match));
  release_scratch();
  a_.jump(matched);
  a_.bind(no_match);
  release_scratch();
  a_.jump(out);
  a_.bind(matched);
  return {};
}

Status ProgramBuilder::write_record(const EventPlan& plan, std::uint32_t event_id, Label out) {
  const std::uint32_t fixed = fixed_bytes(target_.contexts) + fixed_bytes(plan.fields);
  if (fixed > SILLAGE_KERNEL_RING_MAX_RECORD / 2)
    return fail(Code::kLimit, plan.name + " has " + std::to_string(fixed) +
                                  " bytes of fields; a record may have " +
                                  std::to_string(SILLAGE_KERNEL_RING_MAX_RECORD / 2));
  Room room;
  add_room(target_.contexts, &room);
  add_room(plan.fields, &room);
  if (fixed + room.bounded_bytes > kMaxStaged)
    return fail(Code::kLimit, plan.name + " may have " + std::to_string(room.bounded_bytes) +
                                  " bytes of user memory; a record may have " +
                                  std::to_string(kMaxStaged - fixed));
  if (room.others != 0)
    string_bytes_ =
        std::min(kMaxStringBytes, (kMaxStaged - fixed - room.bounded_bytes) / room.others);
  at_ = 0;
  if (is_fixed(target_.contexts) && is_fixed(plan.fields)) {
    write_direct(plan, event_id, out);
  } else {
    write_staged(plan, event_id, out);
  }
  return {};
}

Result<std::vector<bpf_insn>> ProgramBuilder::finish(const std::string& name, Label out) {
  a_.bind(out);
  a_.move(r0, result_);
  a_.exit();
  ring_.finish();
  if (values_.overflowed())
    return fail(Code::kLimit, "the fields of " + name + " are too deeply nested for a program");
  return a_.finish();
}

void ProgramBuilder::write_direct(const EventPlan& plan, std::uint32_t event_id, Label out) {
  const std::uint32_t bytes = fixed_bytes(target_.contexts) + fixed_bytes(plan.fields);
  ring_.reserve(event_id, bytes, std::nullopt, out);
  if (bytes != 0) a_.move(r9, r5);
  write_fields(target_.contexts);
  write_fields(plan.fields);
  ring_.commit();
}

void ProgramBuilder::write_staged(const EventPlan& plan, std::uint32_t event_id, Label out) {
  const Label release = a_.label();
  take_scratch(out);
  write_fields(target_.contexts);
  write_fields(plan.fields);
  if (at_ != 0) a_.alu(Alu::kAdd, r9, at_);
  // How much it became. The bound is for the verifier, which has lost it with the subtraction.
  a_.load(Size::k8, r1, r10, kScratch);
  a_.alu(Alu::kAdd, r1, static_cast<std::int32_t>(kScratchLockBytes));
  a_.alu(Alu::kSubtract, r9, r1);
  a_.jump_if(If::kAbove, r9, static_cast<std::int32_t>(kMaxStaged), release);
  a_.store(Size::k8, r10, kStagedBytes, r9);
  ring_.reserve(event_id, 0, kStagedBytes, release);
  if (event_id == RingCode::kIdFollows) ring_.patch_event_id(0);
  a_.move(r1, r5);
  a_.load(Size::k8, r2, r10, kStagedBytes);
  a_.load(Size::k8, r3, r10, kScratch);
  a_.alu(Alu::kAdd, r3, static_cast<std::int32_t>(kScratchLockBytes));
  a_.call(BPF_FUNC_probe_read_kernel);
  ring_.commit();
  a_.bind(release);
  release_scratch();
}

// Finds an area of this CPU that nobody uses and leaves its first byte behind the lock in r9.
void ProgramBuilder::take_scratch(Label out) {
  const Label again = a_.label(), taken = a_.label();
  a_.move(r8, 0u);
  a_.bind(again);
  a_.load(Size::k4, r1, r10, kCpu);
  a_.alu(Alu::kMultiply, r1, static_cast<std::int32_t>(kScratchAreas));
  a_.alu(Alu::kAdd, r1, r8);
  a_.store(Size::k4, r10, kKey, r1);
  a_.load_map(r1, target_.scratch_fd);
  a_.move(r2, r10);
  a_.alu(Alu::kAdd, r2, kKey);
  a_.call(BPF_FUNC_map_lookup_elem);
  a_.jump_if(If::kEqual, r0, 0, out);
  a_.move(r1, 1u);
  a_.exchange(r0, 0, r1);
  a_.jump_if(If::kEqual, r1, 0, taken);
  a_.alu(Alu::kAdd, r8, 1);
  a_.jump_if(If::kBelow, r8, static_cast<std::int32_t>(kScratchAreas), again);
  if (target_.ring.ring_fd >= 0) ring_.count_lost(SILLAGE_KERNEL_LOST_BUSY);
  a_.jump(out);
  a_.bind(taken);
  a_.store(Size::k8, r10, kScratch, r0);
  a_.move(r9, r0);
  a_.alu(Alu::kAdd, r9, static_cast<std::int32_t>(kScratchLockBytes));
}

void ProgramBuilder::release_scratch() {
  a_.load(Size::k8, r1, r10, kScratch);
  a_.move(r2, 0u);
  a_.exchange(r1, 0, r2);
}

void ProgramBuilder::write_fields(const std::vector<FieldPlan>& fields) {
  for (const FieldPlan& field : fields) write_field(field);
}

void ProgramBuilder::write_field(const FieldPlan& field) {
  switch (field.kind) {
    case FieldPlan::Kind::kInteger:
      values_.evaluate(field.value);
      a_.store(bpf::size_of_bytes(field.bytes), r9, at_, r1);
      break;
    case FieldPlan::Kind::kMemory: values_.copy_memory(field.value, field.bytes, at_); break;
    case FieldPlan::Kind::kRecordBytes: write_record_bytes(field); break;
    case FieldPlan::Kind::kKernelString:
    case FieldPlan::Kind::kUserString:
    case FieldPlan::Kind::kRecordString: write_string(field); return;
    case FieldPlan::Kind::kPath: write_path(field); return;
    case FieldPlan::Kind::kInput: write_input(); return;
    case FieldPlan::Kind::kRecordSequence: write_sequence(field); return;
    case FieldPlan::Kind::kKernelStack:
    case FieldPlan::Kind::kUserStack: write_stack(field); return;
    case FieldPlan::Kind::kUserMemory: user_.memory(field, at_); break;
    case FieldPlan::Kind::kUserElements:
    case FieldPlan::Kind::kUserStrings:
    case FieldPlan::Kind::kKernelElements:
    case FieldPlan::Kind::kNetworkHeaders:
    case FieldPlan::Kind::kUserAddress: write_user(field); return;
  }
  at_ += static_cast<std::int32_t>(field.bytes);
}

// The daemon's own, in programs that it runs, says nothing.
void ProgramBuilder::write_stack(const FieldPlan& field) {
  const bool is_user = field.kind == FieldPlan::Kind::kUserStack;
  if (at_ != 0) a_.alu(Alu::kAdd, r9, at_);
  at_ = 0;
  if (!has_stack_) {
    a_.store(Size::k4, r9, 0, 0);
    at_ = 4;
    return;
  }
  const Label some = a_.label(), whole = a_.label();
  const auto bytes = static_cast<std::int32_t>(field.bytes);
  a_.move(r1, r6);
  a_.move(r2, r9);
  a_.alu(Alu::kAdd, r2, 4);
  a_.move(r3, std::uint64_t{field.bytes});
  a_.move(r4, is_user ? std::uint64_t{BPF_F_USER_STACK} : std::uint64_t{own_callers_});
  a_.call(BPF_FUNC_get_stack);
  a_.jump_if(If::kGreater, r0, 0, some);
  a_.move(r0, 0u);
  a_.bind(some);
  // For the verifier.
  a_.alu(Alu::kAnd, r0, static_cast<std::int32_t>(2 * kMaxStackBytes - 1));
  a_.move(r1, r0);
  a_.alu(Alu::kShiftRight, r1, 3);
  a_.store(Size::k4, r9, 0, r1);
  a_.move(r2, r9);
  a_.alu(Alu::kAdd, r9, 4);
  a_.alu(Alu::kAdd, r9, r0);
  a_.jump_if(If::kNotEqual, r0, bytes, whole);
  a_.alu(Alu::kAdd, r1, 1);
  a_.store(Size::k4, r2, 0, r1);
  a_.store(Size::k8, r9, 0, -1);
  a_.alu(Alu::kAdd, r9, 8);
  a_.bind(whole);
}

// Fields that begin where r9 points and move it.
void ProgramBuilder::write_user(const FieldPlan& field) {
  if (at_ != 0) a_.alu(Alu::kAdd, r9, at_);
  at_ = 0;
  switch (field.kind) {
    case FieldPlan::Kind::kUserElements: user_.elements(field); break;
    case FieldPlan::Kind::kUserStrings: user_.strings(field); break;
    case FieldPlan::Kind::kKernelElements: user_.kernel_elements(field); break;
    case FieldPlan::Kind::kNetworkHeaders:
      values_.evaluate(field.value);
      copy_network_headers(a_, kKey);
      break;
    default: user_.address(field);
  }
}

// The verifier wants loads from the record aligned to their size.
void ProgramBuilder::write_record_bytes(const FieldPlan& field) {
  for (std::uint32_t done = 0; done < field.bytes;) {
    const std::uint32_t from = field.offset + done;
    std::uint32_t step = 8;
    while (step > field.bytes - done || from % step != 0) step /= 2;
    a_.load(bpf::size_of_bytes(step), r1, r6, static_cast<std::int32_t>(from));
    a_.store(bpf::size_of_bytes(step), r9, at_ + static_cast<std::int32_t>(done), r1);
    done += step;
  }
}

// r1 = the u32 that says where in the record a field is: size above, offset below.
void ProgramBuilder::load_record_place(const FieldPlan& field) {
  a_.load(Size::k4, r1, r6, static_cast<std::int32_t>(field.offset));
}

void ProgramBuilder::write_string(const FieldPlan& field) {
  const Label read = a_.label();
  if (field.kind == FieldPlan::Kind::kRecordString) {
    load_record_place(field);
    a_.alu(Alu::kAnd, r1, 0xffff);
    a_.move(r3, r6);
    a_.alu(Alu::kAdd, r3, r1);
    if (field.is_relative) a_.alu(Alu::kAdd, r3, static_cast<std::int32_t>(field.offset + 4));
  } else {
    values_.evaluate(field.value);
    a_.move(r3, r1);
  }
  if (at_ != 0) a_.alu(Alu::kAdd, r9, at_);
  at_ = 0;
  a_.move(r1, r9);
  a_.move(r2, string_bytes_);
  a_.call(field.kind == FieldPlan::Kind::kUserString ? BPF_FUNC_probe_read_user_str
                                                     : BPF_FUNC_probe_read_kernel_str);
  // What cannot be read is an empty string.
  a_.jump_if(If::kGreater, r0, 0, read);
  a_.store(Size::k1, r9, 0, 0);
  a_.move(r0, 1u);
  a_.bind(read);
  a_.alu(Alu::kAdd, r9, r0);
}

void ProgramBuilder::write_path(const FieldPlan& field) {
  const Label read = a_.label();
  if (at_ != 0) a_.alu(Alu::kAdd, r9, at_);
  at_ = 0;
  // The helper wants the pointer that the verifier trusts, not one that was cast.
  values_.trusted_argument(field.value.operands.front().index);
  if (field.value.offset != 0) a_.alu(Alu::kAdd, r1, field.value.offset);
  a_.move(r2, r9);
  a_.move(r3, string_bytes_);
  a_.call(BPF_FUNC_d_path);
  // Longer than that, or of a directory that was taken off.
  a_.jump_if(If::kGreater, r0, 0, read);
  a_.store(Size::k1, r9, 0, 0);
  a_.move(r0, 1u);
  a_.bind(read);
  // For the verifier, which knows no bound of what the helper returns.
  const Label fits = a_.label();
  a_.jump_if(If::kBelowOrEqual, r0, static_cast<std::int32_t>(string_bytes_), fits);
  a_.move(r0, static_cast<std::uint64_t>(string_bytes_));
  a_.bind(fits);
  a_.alu(Alu::kAdd, r9, r0);
}

// The payload that stands in the context.
void ProgramBuilder::write_input() {
  const auto most = static_cast<std::int32_t>(std::min(string_bytes_, kMaxInputBytes));
  const Label fits = a_.label();
  if (at_ != 0) a_.alu(Alu::kAdd, r9, at_);
  at_ = 0;
  a_.load(Size::k4, r8, r6, 4);
  a_.jump_if(If::kBelowOrEqual, r8, most, fits);
  a_.move(r8, static_cast<std::uint64_t>(most));
  a_.bind(fits);
  a_.move(r1, r9);
  a_.move(r2, r8);
  a_.move(r3, r6);
  a_.alu(Alu::kAdd, r3, 8);
  a_.call(BPF_FUNC_probe_read_kernel);
  a_.alu(Alu::kAdd, r9, r8);
}

void ProgramBuilder::write_sequence(const FieldPlan& field) {
  const auto elements = static_cast<std::int32_t>(string_bytes_ / field.bytes);
  const Label fits = a_.label();
  load_record_place(field);
  a_.move(r3, r1);
  a_.alu(Alu::kAnd, r3, 0xffff);
  a_.alu(Alu::kShiftRight, r1, 16);
  if (field.bytes != 1) a_.alu(Alu::kDivide, r1, static_cast<std::int32_t>(field.bytes));
  a_.jump_if(If::kBelowOrEqual, r1, elements, fits);
  a_.move(r1, static_cast<std::uint64_t>(elements));
  a_.bind(fits);
  a_.store(Size::k4, r9, at_, r1);
  at_ += 4;
  a_.alu(Alu::kAdd, r9, at_);
  at_ = 0;
  a_.move(r8, r1);
  if (field.bytes != 1) a_.alu(Alu::kMultiply, r8, static_cast<std::int32_t>(field.bytes));
  a_.move(r1, r6);
  a_.alu(Alu::kAdd, r3, r1);
  if (field.is_relative) a_.alu(Alu::kAdd, r3, static_cast<std::int32_t>(field.offset + 4));
  a_.move(r1, r9);
  a_.move(r2, r8);
  a_.call(BPF_FUNC_probe_read_kernel);
  a_.alu(Alu::kAdd, r9, r8);
}

}  // namespace sillage::kernel
