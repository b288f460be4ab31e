// SPDX-License-Identifier: MIT
#include "convert/perfetto_writer.hpp"

#include "convert/labels.hpp"
#include "ctf/text.hpp"

#include <algorithm>
#include <utility>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

// Field numbers, by message.
namespace trace {
constexpr std::uint32_t kPacket = 1;
}
namespace trace_packet {
constexpr std::uint32_t kFtraceEvents = 1, kClockSnapshot = 6, kTimestamp = 8, kSequenceId = 10,
                        kTrackEvent = 11, kInternedData = 12, kSequenceFlags = 13,
                        kTrackDescriptor = 60;
}
namespace clock_snapshot {
constexpr std::uint32_t kClocks = 1, kClockId = 1, kTimestamp = 2;
}
namespace track_descriptor {
constexpr std::uint32_t kUuid = 1, kName = 2, kProcess = 3, kThread = 4;
}
namespace process_descriptor {
constexpr std::uint32_t kPid = 1, kName = 6;
}
namespace thread_descriptor {
constexpr std::uint32_t kPid = 1, kTid = 2, kName = 5;
}
namespace track_event {
constexpr std::uint32_t kCategoryIids = 3, kAnnotations = 4, kType = 9, kNameIid = 10,
                        kTrackUuid = 11;
}
namespace annotation {
constexpr std::uint32_t kNameIid = 1, kBool = 2, kUnsigned = 3, kSigned = 4, kDouble = 5,
                        kString = 6, kPointer = 7, kEntries = 11, kElements = 12;
}
namespace interned_data {
constexpr std::uint32_t kCategories = 1, kEventNames = 2, kAnnotationNames = 3, kIid = 1, kName = 2;
}
namespace ftrace_bundle {
constexpr std::uint32_t kCpu = 1, kEvent = 2;
}
namespace ftrace_event {
constexpr std::uint32_t kTimestamp = 1, kPid = 2, kSchedSwitch = 4;
}
namespace sched_switch {
constexpr std::uint32_t kPreviousName = 1, kPreviousTid = 2, kPreviousPriority = 3,
                        kPreviousState = 4, kNextName = 5, kNextTid = 6, kNextPriority = 7;
}

/// Of TracePacket.sequence_flags.
constexpr std::uint64_t kStateCleared = 1, kNeedsState = 2;
/// Sequences of packets, each with names of its own.
constexpr std::uint64_t kMarks = 1, kSwitches = 2;
/// Clocks of clock_snapshot.proto.
constexpr std::uint64_t kRealtime = 1, kBoottime = 6;
/// Switches that are written together.
constexpr std::size_t kBundle = 256;
/// Tracks of processes are numbered from here: those of the timeline are far below.
constexpr std::uint64_t kFirstProcess = std::uint64_t{1} << 40;

std::uint64_t time_of(std::int64_t ns) {
  return static_cast<std::uint64_t>(std::max(ns, std::int64_t{0}));
}

}  // namespace

PerfettoWriter::PerfettoWriter(OutputFile file)
    : file_(std::move(file)),
      categories_{.field = interned_data::kCategories},
      names_{.field = interned_data::kEventNames},
      arguments_{.field = interned_data::kAnnotationNames} {}

void PerfettoWriter::put_packet(const ProtoWriter& packet) {
  ProtoWriter whole;
  whole.put_bytes(trace::kPacket, packet.bytes());
  file_.append(whole.bytes());
}

// The viewer shows times of day if it knows what they were.
void PerfettoWriter::put_clock(std::int64_t ns) {
  if (std::exchange(has_clock_, true)) return;
  ProtoWriter packet;
  const std::size_t snapshot = packet.begin(trace_packet::kClockSnapshot);
  for (const std::uint64_t clock : {kRealtime, kBoottime}) {
    const std::size_t entry = packet.begin(clock_snapshot::kClocks);
    packet.put_unsigned(clock_snapshot::kClockId, clock);
    packet.put_unsigned(clock_snapshot::kTimestamp, time_of(ns));
    packet.end(entry);
  }
  packet.end(snapshot);
  packet.put_unsigned(trace_packet::kSequenceId, kMarks);
  put_packet(packet);
}

void PerfettoWriter::name_track(const Track& track) {
  ProtoWriter packet;
  packet.put_unsigned(trace_packet::kSequenceId, kMarks);
  const std::size_t descriptor = packet.begin(trace_packet::kTrackDescriptor);
  packet.put_unsigned(track_descriptor::kUuid, track.id);
  if (track.kind == Track::Kind::kThread) {
    const std::size_t thread = packet.begin(track_descriptor::kThread);
    packet.put_signed(thread_descriptor::kPid, track.pid);
    packet.put_signed(thread_descriptor::kTid, track.tid);
    if (!track.name.empty()) packet.put_bytes(thread_descriptor::kName, valid_utf8(track.name));
    packet.end(thread);
  } else {
    packet.put_bytes(track_descriptor::kName, track.kind == Track::Kind::kCpu
                                                  ? "CPU " + std::to_string(track.cpu)
                                                  : valid_utf8(track.name));
  }
  packet.end(descriptor);
  put_packet(packet);
}

void PerfettoWriter::name_process(std::int64_t pid, std::string_view name) {
  ProtoWriter packet;
  packet.put_unsigned(trace_packet::kSequenceId, kMarks);
  const std::size_t descriptor = packet.begin(trace_packet::kTrackDescriptor);
  packet.put_unsigned(track_descriptor::kUuid, kFirstProcess + static_cast<std::uint64_t>(pid));
  const std::size_t process = packet.begin(track_descriptor::kProcess);
  packet.put_signed(process_descriptor::kPid, pid);
  packet.put_bytes(process_descriptor::kName, valid_utf8(name));
  packet.end(process);
  packet.end(descriptor);
  put_packet(packet);
}

std::uint64_t PerfettoWriter::number_of(Names* names, std::string_view name) {
  const auto [found, is_new] =
      names->numbers.try_emplace(std::string(name), names->numbers.size() + 1);
  if (is_new) {
    const std::size_t entry = interned_.begin(names->field);
    interned_.put_unsigned(interned_data::kIid, found->second);
    interned_.put_bytes(interned_data::kName, valid_utf8(name));
    interned_.end(entry);
  }
  return found->second;
}

void PerfettoWriter::put_mark(EventType type, const Mark& mark) {
  put_clock(mark.ns);
  event_.clear();
  interned_.clear();
  event_.put_unsigned(track_event::kType, type);
  event_.put_unsigned(track_event::kTrackUuid, mark.track->id);
  if (type != kSliceEnd) {
    event_.put_unsigned(track_event::kCategoryIids, number_of(&categories_, mark.category));
    event_.put_unsigned(track_event::kNameIid, number_of(&names_, mark.name));
  }
  if (mark.arguments != nullptr) {
    const Arguments& arguments = *mark.arguments;
    for (const Values values : {arguments.payload, arguments.contexts[0], arguments.contexts[1]}) {
      if (!values.empty()) put_members(arguments, values.data(), track_event::kAnnotations);
    }
  }
  packet_.clear();
  packet_.put_unsigned(trace_packet::kTimestamp, time_of(mark.ns));
  packet_.put_unsigned(trace_packet::kSequenceId, kMarks);
  packet_.put_unsigned(trace_packet::kSequenceFlags, std::exchange(is_cleared_, true)
                                                         ? kNeedsState
                                                         : kStateCleared | kNeedsState);
  if (!interned_.bytes().empty()) {
    packet_.put_bytes(trace_packet::kInternedData, interned_.bytes());
  }
  packet_.put_bytes(trace_packet::kTrackEvent, event_.bytes());
  put_packet(packet_);
}

void PerfettoWriter::put_members(const Arguments& arguments, const Value* structure,
                                 std::uint32_t field) {
  const Value* const end = structure + structure->extent;
  for (const Value* member = structure + 1; member != end; member += member->extent) {
    if (!arguments.is_shown(*member)) continue;
    put_value(arguments, member, arguments.plan->fields()[member->field].name, field);
  }
}

void PerfettoWriter::put_value(const Arguments& arguments, const Value* value,
                               std::string_view name, std::uint32_t field) {
  const std::size_t entry = event_.begin(field);
  if (!name.empty()) event_.put_unsigned(annotation::kNameIid, number_of(&arguments_, name));
  put_content(arguments, value);
  event_.end(entry);
}

void PerfettoWriter::put_number(const FieldClass& field_class, const Value& value) {
  const bool is_signed = value.kind == ValueKind::kSigned;
  const std::string label = labels_of(field_class, value.number, is_signed);
  const auto number = static_cast<std::int64_t>(value.number);
  if (!label.empty()) {
    const std::string digits = is_signed ? std::to_string(number) : std::to_string(value.number);
    event_.put_bytes(annotation::kString, valid_utf8(label + " (" + digits + ")"));
  } else if (is_signed) {
    event_.put_signed(annotation::kSigned, number);
  } else {
    const bool is_pointer = base_of(field_class) == Base::kHexadecimal;
    event_.put_unsigned(is_pointer ? annotation::kPointer : annotation::kUnsigned, value.number);
  }
}

void PerfettoWriter::put_content(const Arguments& arguments, const Value* value) {
  const Value* const end = value + value->extent;
  switch (value->kind) {
    case ValueKind::kUnsigned:
    case ValueKind::kSigned:
      return put_number(*arguments.plan->fields()[value->field].field_class, *value);
    case ValueKind::kBits: return event_.put_unsigned(annotation::kPointer, value->number);
    case ValueKind::kBoolean: return event_.put_unsigned(annotation::kBool, value->number);
    case ValueKind::kFloat32:
    case ValueKind::kFloat64: return event_.put_double(annotation::kDouble, value->real);
    case ValueKind::kText: return event_.put_bytes(annotation::kString, valid_utf8(value->text()));
    case ValueKind::kBlob: return event_.put_bytes(annotation::kString, hexadecimal(value->text()));
    case ValueKind::kArray:
      for (const Value* element = value + 1; element != end; element += element->extent) {
        put_value(arguments, element, {}, annotation::kElements);
      }
      return;
    case ValueKind::kStructure: return put_members(arguments, value, annotation::kEntries);
    case ValueKind::kOptional:
    case ValueKind::kVariant:
      if (value + 1 != end) return put_content(arguments, value + 1);
      return event_.put_bytes(annotation::kString, "none");
  }
}

void PerfettoWriter::switch_thread(const ThreadSwitch& change) {
  put_clock(change.ns);
  Switches& switches = switches_[change.cpu->cpu];
  ProtoWriter& out = switches.events;
  const std::size_t event = out.begin(ftrace_bundle::kEvent);
  out.put_unsigned(ftrace_event::kTimestamp, time_of(change.ns));
  out.put_signed(ftrace_event::kPid, change.previous_tid);
  const std::size_t content = out.begin(ftrace_event::kSchedSwitch);
  out.put_bytes(sched_switch::kPreviousName, valid_utf8(change.previous_name));
  out.put_signed(sched_switch::kPreviousTid, change.previous_tid);
  out.put_signed(sched_switch::kPreviousPriority, change.previous_priority);
  out.put_signed(sched_switch::kPreviousState, change.previous_state);
  out.put_bytes(sched_switch::kNextName, valid_utf8(change.next_name));
  out.put_signed(sched_switch::kNextTid, change.next_tid);
  out.put_signed(sched_switch::kNextPriority, change.next_priority);
  out.end(content);
  out.end(event);
  if (++switches.count == kBundle) put_switches(change.cpu->cpu, &switches);
}

void PerfettoWriter::put_switches(std::uint64_t cpu, Switches* switches) {
  if (switches->count == 0) return;
  ProtoWriter bundle;
  bundle.put_unsigned(ftrace_bundle::kCpu, cpu);
  // Events are whole fields already: they go on behind the others.
  std::string content = bundle.bytes() + switches->events.bytes();
  ProtoWriter packet;
  packet.put_unsigned(trace_packet::kSequenceId, kSwitches);
  packet.put_bytes(trace_packet::kFtraceEvents, content);
  put_packet(packet);
  switches->events.clear();
  switches->count = 0;
}

Status PerfettoWriter::finish() {
  for (auto& [cpu, switches] : switches_) put_switches(cpu, &switches);
  return file_.finish();
}

}  // namespace sillage::convert
