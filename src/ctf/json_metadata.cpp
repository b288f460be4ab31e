// SPDX-License-Identifier: MIT
#include "ctf/json_metadata.hpp"

#include "ctf/json_field_class.hpp"
#include "ctf/json_locations.hpp"
#include "ctf/json_names.hpp"
#include "ctf/json_object.hpp"
#include "ctf/json_text.hpp"
#include "ctf/memory_budget.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace sillage::ctf {

namespace {

using Inside = JsonPlace::Inside;

constexpr char kRecordSeparator = '\x1e';
/// JSON values around each other for one field class in another: its object, `member-classes`, the
/// member.
constexpr std::size_t kJsonPerClass = 3;
/// And around the outermost: the fragment; inside the innermost: mappings, their ranges, a range.
constexpr std::size_t kJsonAround = 8;
/// Of a node in a set or map of ids.
constexpr std::size_t kIdBytes = 64;

/// Namespaces of the attributes of event record classes that LTTng and babeltrace2 write.
constexpr std::array kEventNamespaces{kLttngNamespace, "babeltrace.org,2020"};

constexpr std::array kFragmentNames{"preamble",    "field-class-alias", "trace-class",
                                    "clock-class", "data-stream-class", "event-record-class"};
enum class FragmentType : std::uint8_t { kPreamble, kAlias, kTrace, kClock, kStream, kEvent };

/// The roles that fields of a root structure may have.
Roles roles_in(Scope scope) {
  Roles roles;
  switch (scope) {
    case Scope::kPacketHeader:
      for (const Role role : {Role::kPacketMagicNumber, Role::kMetadataStreamUuid,
                              Role::kDataStreamClassId, Role::kDataStreamId})
        roles.add(role);
      break;
    case Scope::kPacketContext:
      for (const Role role :
           {Role::kDefaultClockTimestamp, Role::kPacketEndDefaultClockTimestamp,
            Role::kPacketTotalLength, Role::kPacketContentLength, Role::kPacketSequenceNumber,
            Role::kDiscardedEventRecordCounterSnapshot})
        roles.add(role);
      break;
    case Scope::kEventRecordHeader:
      roles.add(Role::kDefaultClockTimestamp);
      roles.add(Role::kEventRecordClassId);
      break;
    default: break;
  }
  return roles;
}

bool has_timestamp(Roles roles) {
  return roles.has(Role::kDefaultClockTimestamp) ||
         roles.has(Role::kPacketEndDefaultClockTimestamp);
}

/// Whether a field class is the magic number's, or has it inside.
std::size_t count_magic(const FieldClass& field_class) {
  if (const auto* integer = field_class.as<Integer>())
    return integer->roles.has(Role::kPacketMagicNumber) ? 1 : 0;
  if (const auto* integer = field_class.as<VariableInteger>())
    return integer->roles.has(Role::kPacketMagicNumber) ? 1 : 0;
  if (const auto* array = field_class.as<StaticArray>()) return count_magic(*array->element);
  if (const auto* array = field_class.as<DynamicArray>()) return count_magic(*array->element);
  if (const auto* optional = field_class.as<Optional>()) return count_magic(*optional->field_class);
  std::size_t count = 0;
  if (const auto* structure = field_class.as<Structure>()) {
    for (const Member& member : structure->members) count += count_magic(*member.field_class);
  }
  if (const auto* variant = field_class.as<Variant>()) {
    for (const VariantOption& option : variant->options) count += count_magic(*option.field_class);
  }
  return count;
}

/// The magic number stands first and has 32 bits.
bool is_magic_right(const FieldClass& header) {
  const auto& members = header.as<Structure>()->members;
  const auto* first = members.empty() ? nullptr : members.front().field_class->as<Integer>();
  return first != nullptr && first->roles.has(Role::kPacketMagicNumber) &&
         first->layout.length_bits == 32 && count_magic(header) == 1;
}

/// One reading of one metadata stream.
class JsonReader {
 public:
  JsonReader(std::string_view text, const MetadataLimits& limits)
      : text_(text), limits_(limits), budget_(limits, text.size()), classes_(limits, budget_) {
    model_.version = Version::kCtf2;
  }

  Result<TraceModel> read() {
    std::size_t offset = 0;
    while (offset < text_.size()) {
      if (text_[offset] == kRecordSeparator) {
        ++offset;
        continue;
      }
      const std::size_t end = std::min(text_.find(kRecordSeparator, offset), text_.size());
      SILLAGE_TRY(read_fragment(text_.substr(offset, end - offset), offset));
      offset = end;
    }
    const std::string place = "byte " + std::to_string(text_.size());
    if (fragments_ == 0) return fail(Code::kCorrupt, "this metadata has no fragments", place);
    if (model_.streams.empty())
      return fail(Code::kCorrupt,
                  "this metadata has no data stream class: it is cut short, or says nothing",
                  place);
    return std::move(model_);
  }

 private:
  Status read_fragment(std::string_view text, std::size_t offset) {
    const std::size_t used = budget_.used(), kept = kept_bytes_ + classes_.kept_bytes();
    offset_ = offset;
    const std::size_t depth = kJsonPerClass * limits_.nesting + kJsonAround;
    JsonPlace place(text, ++fragments_, offset);
    auto value = parse_json(text, depth, budget_);
    if (!value) {
      std::size_t byte = 0;
      const std::string& digits = value.error().location;
      std::from_chars(digits.data(), digits.data() + digits.size(), byte);
      place.set_error_at(byte, std::move(value.error().message), value.error().code);
      return place.status();
    }
    JsonObject in(*value, place);
    if (place.ok() && in.must_find("type") != nullptr) {
      const auto type = in.choice("type", kFragmentNames);
      if (type) read_object(static_cast<FragmentType>(*type), in);
    }
    SILLAGE_TRY(place.status());
    budget_.release_to(used);
    if (!budget_.take(kept_bytes_ + classes_.kept_bytes() - kept)) set_memory_error(in);
    return place.status();
  }

  void read_object(FragmentType type, JsonObject& in) {
    if ((type == FragmentType::kPreamble) != (fragments_ == 1)) {
      in.set_error(fragments_ == 1 ? "the first fragment of a metadata stream is its preamble"
                                   : "a second preamble");
      return;
    }
    switch (type) {
      case FragmentType::kPreamble: read_preamble(in); break;
      case FragmentType::kAlias: read_alias(in); break;
      case FragmentType::kTrace: read_trace(in); break;
      case FragmentType::kClock: read_clock(in); break;
      case FragmentType::kStream: read_stream(in); break;
      case FragmentType::kEvent: read_event(in); break;
    }
    in.finish();
  }

  void set_memory_error(JsonObject& in) {
    in.set_error("this metadata needs more than " + std::to_string(budget_.limit() >> 20) +
                     " MiB of memory for its size",
                 Code::kLimit);
  }
  void keep_bytes(std::size_t bytes, JsonObject& in) {
    if (!budget_.take(bytes)) set_memory_error(in);
    kept_bytes_ += bytes;
  }

  std::string name(JsonObject& in, std::string_view property) {
    std::string text = take_json_name(in, property, limits_).value_or("");
    keep_bytes(text.size(), in);
    return text;
  }
  std::string attributes(JsonObject& in) {
    std::string text = take_json_attributes(in);
    keep_bytes(text.size(), in);
    return text;
  }

  void read_preamble(JsonObject& in) {
    JsonPlace& place = in.place();
    if (in.must_find("version") != nullptr && in.number("version") != 2)
      in.set_error("this is not CTF 2: no other version of it can be read", Code::kUnsupported);
    if (const JsonValue* uuid = in.find("uuid")) {
      const Inside inside(place, "uuid");
      const auto bytes = json_elements(*uuid, place);
      model_.trace.uuid.emplace();
      if (bytes.size() != model_.trace.uuid->size())
        place.set_error(*uuid, "a UUID is 16 integers from 0 to 255");
      for (std::size_t i = 0; place.ok() && i < bytes.size(); ++i) {
        const Inside inside_byte(place, i);
        const std::uint64_t byte = json_number(bytes[i], place);
        if (byte > 255) place.set_error(bytes[i], "a byte is an integer from 0 to 255");
        (*model_.trace.uuid)[i] = static_cast<std::byte>(byte);
      }
    }
    if (const JsonValue* extensions = in.find("extensions")) {
      const Inside inside(place, "extensions");
      for (const auto& [name_space, value] : json_members(*extensions, place)) {
        const Inside inside_namespace(place, name_space);
        for (const auto& [extension, anything] : json_members(value, place)) {
          const Inside inside_extension(place, extension);
          place.set_error(anything,
                          "this trace needs the extension '" + extension.substr(0, 64) + "' of '" +
                              name_space.substr(0, 64) +
                              "' to be read, which is not known; no extension is",
                          Code::kUnsupported);
        }
      }
    }
    // The preamble's attributes have no place in the model; extensions have been seen.
    static_cast<void>(take_json_attributes(in));
  }

  void read_alias(JsonObject& in) {
    if (in.must_find("name") == nullptr) return;
    const std::string alias = name(in, "name");
    const JsonValue* value = in.must_find("field-class");
    if (value == nullptr) return;
    JsonFieldClass field_class;
    {
      const Inside inside(in.place(), "field-class");
      field_class = classes_.read(*value, in.place());
    }
    static_cast<void>(take_json_attributes(in));
    keep_bytes(kIdBytes + sizeof field_class, in);
    if (in.place().ok() && !classes_.add_alias(alias, std::move(field_class)))
      in.set_error("a second field class alias '" + alias.substr(0, 64) + "'");
  }

  template <class Identified>
  void read_identity(JsonObject& in, Identified& to) {
    to.name_space = name(in, "namespace");
    to.name = name(in, "name");
    to.uid = name(in, "uid");
  }

  void read_trace(JsonObject& in) {
    if (has_trace_) in.set_error("a second trace class");
    if (!model_.streams.empty())
      in.set_error("the trace class comes before the data stream classes");
    has_trace_ = true;
    TraceClass& trace = model_.trace;
    read_identity(in, trace);
    if (const JsonValue* environment = in.find("environment")) {
      const Inside inside(in.place(), "environment");
      read_environment(*environment, in);
    }
    trace.packet_header =
        read_root(in, "packet-header-field-class", Scope::kPacketHeader).field_class;
    trace.attributes = attributes(in);
  }

  void read_environment(const JsonValue& value, JsonObject& in) {
    JsonPlace& place = in.place();
    const auto members = json_members(value, place);
    keep_bytes(members.size() * sizeof(EnvironmentEntry), in);
    if (!place.ok()) return;
    model_.trace.environment.reserve(members.size());
    for (const auto& [entry, what] : members) {
      const Inside inside(place, entry);
      keep_bytes(entry.size(), in);
      EnvironmentValue to;
      if (const auto* text = what.as<std::string>()) {
        keep_bytes(text->size(), in);
        to = *text;
      } else if (const auto* negative = what.as<std::int64_t>()) {
        to = *negative;
      } else if (const auto* number = what.as<std::uint64_t>()) {
        // CTF 1.8, which says what entries are for, has no larger integers.
        to = *number <= INT64_MAX ? EnvironmentValue(static_cast<std::int64_t>(*number))
                                  : EnvironmentValue(std::to_string(*number));
      } else {
        place.set_error(what, "an environment entry is a string or an integer of 64 bits");
      }
      if (!place.ok()) return;
      model_.trace.environment.push_back({entry, std::move(to)});
    }
  }

  /// The class of the root structure that the property says; null: it is not there.
  JsonFieldClass read_root(JsonObject& in, std::string_view property, Scope scope) {
    const JsonValue* value = in.find(property);
    roots_[static_cast<std::size_t>(scope)] = nullptr;
    if (value == nullptr) return {};
    JsonPlace& place = in.place();
    const Inside inside(place, property);
    JsonFieldClass root = classes_.read(*value, place);
    if (!place.ok()) return {};
    if (root.field_class->as<Structure>() == nullptr)
      place.set_error(*value, "this must be a structure");
    const Roles allowed = roles_in(scope);
    for (std::size_t i = 0; i < kRoleCount; ++i) {
      const auto role = static_cast<Role>(i);
      if (root.roles.has(role) && !allowed.has(role))
        place.set_error(*value,
                        std::string("no field in here can have the role '") + kRoleNames[i] + "'");
    }
    if (!place.ok()) return {};
    if (root.roles.has(Role::kPacketMagicNumber) && !is_magic_right(*root.field_class))
      place.set_error(*value,
                      "the magic number is the first field of the packet header, an unsigned "
                      "integer of 32 bits, and stands there once");
    if (root.roles.has(Role::kMetadataStreamUuid) && !model_.trace.uuid)
      place.set_error(*value, "packets have the UUID of a metadata stream whose preamble has none");
    fields_ += root.fields;
    const std::uint64_t most = limits_.all_fields + text_.size() / limits_.bytes_per_field;
    if (fields_ > most)
      place.set_error(*value,
                      "this trace has more than " + std::to_string(most) +
                          " fields in all its classes, too many for the size of its metadata",
                      Code::kLimit);
    roots_[static_cast<std::size_t>(scope)] = root.field_class;
    if (place.ok() && root.has_locations) {
      if (auto problem = JsonLocationChecker(roots_).check(scope))
        place.set_error(*value, std::move(*problem));
    }
    return root;
  }

  void read_clock(JsonObject& in) {
    JsonPlace& place = in.place();
    ClockClass clock{.origin_is_unix_epoch = false};
    in.must_find("id");
    clock.id = name(in, "id");
    const bool has_identity = in.find("name") != nullptr && in.find("uid") != nullptr;
    read_identity(in, clock);
    clock.description = name(in, "description");
    in.must_find("frequency");
    clock.frequency_hz = in.number("frequency").value_or(1);
    if (clock.frequency_hz == 0) in.set_error("a clock's frequency is above 0");
    clock.precision_cycles = in.number("precision");
    clock.accuracy_cycles = in.number("accuracy");
    if (const JsonValue* origin = in.find("origin")) {
      const Inside inside(place, "origin");
      read_origin(*origin, clock, place);
    }
    if (const JsonValue* offset = in.find("offset-from-origin")) {
      const Inside inside(place, "offset-from-origin");
      JsonObject in_offset(*offset, place);
      clock.offset_seconds = in_offset.signed_number("seconds").value_or(0);
      clock.offset_cycles = in_offset.number("cycles").value_or(0);
      if (clock.offset_cycles >= clock.frequency_hz)
        in_offset.set_error("'cycles' of an offset are less than a second: below the frequency");
      in_offset.finish();
    }
    clock.attributes = attributes(in);
    keep_bytes(sizeof clock + 2 * kIdBytes, in);
    if (!place.ok()) return;
    if (!clock_ids_.insert(clock.id).second)
      in.set_error("a second clock class '" + clock.id.substr(0, 64) + "'");
    if (has_identity) check_identity(clock, in);
    model_.trace.clocks.push_back(std::move(clock));
  }

  void read_origin(const JsonValue& value, ClockClass& clock, JsonPlace& place) {
    if (const auto* text = value.as<std::string>()) {
      clock.origin_is_unix_epoch = *text == "unix-epoch";
      if (!clock.origin_is_unix_epoch)
        place.set_error(value, "an origin is \"unix-epoch\" or an object");
      return;
    }
    JsonObject in(value, place);
    in.must_find("name");
    in.must_find("uid");
    read_identity(in, clock.origin.emplace());
    in.finish();
  }

  /// Clock classes with the same namespace, name and uid are those of one clock.
  void check_identity(const ClockClass& clock, JsonObject& in) {
    const auto [found, is_new] = identities_.try_emplace(
        std::tuple(clock.name_space, clock.name, clock.uid), model_.trace.clocks.size());
    if (is_new) return;
    const ClockClass& same = model_.trace.clocks[found->second];
    if (same.frequency_hz != clock.frequency_hz ||
        same.precision_cycles != clock.precision_cycles ||
        same.accuracy_cycles != clock.accuracy_cycles || same.origin != clock.origin ||
        same.origin_is_unix_epoch != clock.origin_is_unix_epoch)
      in.set_error("clock class '" + same.id.substr(0, 64) +
                   "' has the same namespace, name and uid, so it is the same clock, but another "
                   "frequency, precision, accuracy or origin");
  }

  void read_stream(JsonObject& in) {
    JsonPlace& place = in.place();
    roots_ = {model_.trace.packet_header};
    DataStreamClass stream{.id = in.number("id").value_or(0)};
    read_identity(in, stream);
    stream.default_clock_id = in.text("default-clock-class-id");
    if (stream.default_clock_id && !clock_ids_.contains(*stream.default_clock_id))
      in.set_error("there is no clock class '" + stream.default_clock_id->substr(0, 64) +
                   "' in front of this");
    const JsonFieldClass context =
        read_root(in, "packet-context-field-class", Scope::kPacketContext);
    const JsonFieldClass header =
        read_root(in, "event-record-header-field-class", Scope::kEventRecordHeader);
    if (!stream.default_clock_id && (has_timestamp(context.roles) || has_timestamp(header.roles)))
      in.set_error("fields have timestamps, so 'default-clock-class-id' must say of which clock");
    stream.packet_context = context.field_class;
    stream.event_header = header.field_class;
    stream.common_context =
        read_root(in, "event-record-common-context-field-class", Scope::kCommonContext).field_class;
    stream.attributes = attributes(in);
    keep_bytes(sizeof stream + kIdBytes, in);
    if (!place.ok()) return;
    if (!stream_index_.emplace(stream.id, model_.streams.size()).second)
      in.set_error("a second data stream class with id " + std::to_string(stream.id));
    model_.streams.push_back(std::move(stream));
    event_ids_.emplace_back();
  }

  void read_event(JsonObject& in) {
    JsonPlace& place = in.place();
    EventClass event{.id = in.number("id").value_or(0),
                     .stream_class_id = in.number("data-stream-class-id").value_or(0)};
    read_identity(in, event);
    const auto stream = stream_index_.find(event.stream_class_id);
    if (stream == stream_index_.end()) {
      in.set_error("there is no data stream class with id " +
                   std::to_string(event.stream_class_id) + " in front of this");
      return;
    }
    const DataStreamClass& parent = model_.streams[stream->second];
    roots_ = {model_.trace.packet_header, parent.packet_context, parent.event_header,
              parent.common_context};
    if (!event_ids_[stream->second].insert(event.id).second)
      in.set_error("a second event record class with id " + std::to_string(event.id) +
                   " in data stream class " + std::to_string(event.stream_class_id));
    event.specific_context =
        read_root(in, "specific-context-field-class", Scope::kSpecificContext).field_class;
    event.payload = read_root(in, "payload-field-class", Scope::kPayload).field_class;
    event.attributes = attributes(in);
    read_event_attributes(in, event);
    reserve_event(in);
    keep_bytes(kIdBytes, in);
    if (place.ok()) model_.events.push_back(std::move(event));
  }

  /// Makes room for this event and those behind it at once: a vector that doubles holds three times
  /// its size for a moment.
  void reserve_event(JsonObject& in) {
    constexpr std::string_view kType = "\"event-record-class\"";
    std::vector<EventClass>& events = model_.events;
    if (events.size() < events.capacity()) return;
    // Names that are written with escapes are not counted.
    std::size_t more = events.size() / 2 + 1, count = 0;
    for (auto at = text_.find(kType, offset_); at != std::string_view::npos;
         at = text_.find(kType, at + kType.size()))
      ++count;
    more = std::max(more, count);
    keep_bytes(more * sizeof(EventClass), in);
    if (in.place().ok()) events.reserve(events.size() + more);
  }

  /// Attributes mean nothing to decoding: what is not as it should be is not there.
  void read_event_attributes(JsonObject& in, EventClass& event) {
    const JsonValue* all = in.find("attributes");
    if (all == nullptr || all->as<JsonValue::Object>() == nullptr) return;
    for (const auto& [name_space, value] : *all->as<JsonValue::Object>()) {
      const auto* object = value.as<JsonValue::Object>();
      if (object == nullptr || std::find(kEventNamespaces.begin(), kEventNamespaces.end(),
                                         name_space) == kEventNamespaces.end())
        continue;
      for (const auto& [attribute, what] : *object) {
        const auto* text = what.as<std::string>();
        if (text == nullptr) continue;
        if (attribute == "emf-uri") {
          keep_bytes(text->size(), in);
          event.emf_uri = *text;
        }
        if (attribute != "log-level") continue;
        const auto level = std::find(kLogLevelNames.begin(), kLogLevelNames.end(), *text);
        if (level != kLogLevelNames.end())
          event.log_level = static_cast<std::uint8_t>(level - kLogLevelNames.begin());
      }
    }
  }

  std::string_view text_;
  const MetadataLimits& limits_;
  MemoryBudget budget_;
  JsonFieldClassReader classes_;
  TraceModel model_;
  JsonLocationChecker::Roots roots_;  // that fields of the root being read can refer to
  std::size_t fragments_ = 0;         // seen so far
  std::size_t offset_ = 0;            // of the last of them
  std::uint64_t fields_ = 0;          // of all roots so far
  std::size_t kept_bytes_ = 0;
  bool has_trace_ = false;
  std::unordered_set<std::string> clock_ids_;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> identities_;
  std::unordered_map<std::uint64_t, std::size_t> stream_index_;
  std::vector<std::unordered_set<std::uint64_t>> event_ids_;  // by index in model_.streams
};

}  // namespace

bool is_json_metadata(std::string_view text) {
  return !text.empty() && text.front() == kRecordSeparator;
}

Result<TraceModel> read_json_metadata(std::string_view text, const MetadataLimits& limits) {
  return JsonReader(text, limits).read();
}

}  // namespace sillage::ctf
