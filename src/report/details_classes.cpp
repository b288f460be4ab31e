// SPDX-License-Identifier: MIT
#include "report/details_classes.hpp"

#include "ctf/clock_time.hpp"
#include "ctf/text.hpp"
#include "report/details_json.hpp"
#include "report/details_number.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace sillage::report {
namespace {

using ctf::Field;
using ctf::FieldClass;

constexpr std::array kLogLevels = {
    "Emergency",      "Alert",        "Critical",         "Error",           "Warning",
    "Notice",         "Info",         "Debug (system)",   "Debug (program)", "Debug (process)",
    "Debug (module)", "Debug (unit)", "Debug (function)", "Debug (line)",    "Debug",
};

// The classes of one trace, line by line.
class ClassWriter {
 public:
  ClassWriter(const ctf::Plan& plan, const ClockChange& change, Brush brush, std::string* out)
      : plan_(plan), change_(change), brush_(brush), out_(*out) {}

  void write() {
    out_ += brush_(Ink::kObject, "Trace class");
    std::vector<const ctf::StreamPlan*> streams;
    streams.reserve(plan_.streams().size());
    for (const ctf::StreamPlan& stream : plan_.streams()) streams.push_back(&stream);
    std::ranges::sort(streams, {}, [](const auto* each) { return each->stream_class->id; });
    out_ += streams.empty() && plan_.model().trace.attributes.empty() ? "\n" : ":\n";
    indent_ = 2;
    write_attributes_line(plan_.model().trace.attributes);
    for (const ctf::StreamPlan* stream : streams) write_stream(*stream);
  }

 private:
  void line(const char* name, const std::string& value) {
    put_name(name);
    out_ += ' ' + bold(value) + '\n';
  }
  void line(const char* name, bool is_true) {
    put_name(name);
    out_ += ' ' + brush_.yes_or_no(is_true) + '\n';
  }
  // "NAME:" at the start of a line.
  void put_name(const char* name) {
    out_.append(indent_, ' ').append(brush_(Ink::kProperty, name)) += ':';
  }
  [[nodiscard]] std::string bold(std::string_view value) const {
    return brush_(Ink::kValue, value);
  }
  template <class Number>
  [[nodiscard]] std::string number(Number value) const {
    return bold(grouped(value));
  }
  [[nodiscard]] std::string counted(std::size_t count, const char* what) const {
    return number(std::uint64_t{count}) + ' ' + what + (count == 1 ? "" : "s");
  }
  void put_title(const char* what, const std::string& name, Ink ink, std::uint64_t id) {
    out_.append(indent_, ' ') += brush_(Ink::kObject, what);
    if (!name.empty()) out_ += " `" + brush_(ink, name) + '`';
    out_ += " (ID " + number(id) + "):\n";
  }

  // JSON text of attributes, from behind its name to the end of its last line; `text` may be "".
  void write_attributes(const std::string& text) {
    put_name("User attributes");
    append_json_details(text, brush_, indent_, &out_);
  }
  void write_attributes_line(const std::string& text) {
    if (text.empty()) return;
    write_attributes(text);
    out_ += '\n';
  }

  void write_stream(const ctf::StreamPlan& stream) {
    using ctf::Role;
    const ctf::DataStreamClass& stream_class = *stream.stream_class;
    put_title("Stream class", stream_class.name, Ink::kValue, stream_class.id);
    indent_ += 2;
    write_attributes_line(stream_class.attributes);
    const bool has_clock = stream.clock != nullptr;
    const bool begins = has_clock && stream.packet_roles.has(Role::kDefaultClockTimestamp);
    const bool ends = has_clock && stream.packet_roles.has(Role::kPacketEndDefaultClockTimestamp);
    line("Supports packets", true);
    line("Packets have beginning default clock snapshot", begins);
    line("Packets have end default clock snapshot", ends);
    const bool events = stream.packet_roles.has(Role::kDiscardedEventRecordCounterSnapshot);
    line("Supports discarded events", events);
    if (events) line("Discarded events have default clock snapshots", begins && ends);
    const bool packets = stream.packet_roles.has(Role::kPacketSequenceNumber);
    line("Supports discarded packets", packets);
    if (packets) line("Discarded packets have default clock snapshots", begins && ends);
    if (has_clock) write_clock(*stream.clock);
    write_root("Packet context field class", stream.packet_context);
    write_root("Event common context field class", stream.common_context);
    std::vector<const ctf::EventPlan*> events_by_id;
    events_by_id.reserve(stream.events.size());
    for (const ctf::EventPlan& event : stream.events) events_by_id.push_back(&event);
    std::ranges::sort(events_by_id, {}, [](const auto* each) { return each->event_class->id; });
    for (const ctf::EventPlan* event : events_by_id) write_event(*event);
    indent_ -= 2;
  }

  void write_clock(const ctf::ClockClass& clock) {
    put_name("Default clock class");
    out_ += '\n';
    indent_ += 2;
    if (!clock.name.empty()) line("Name", clock.name);
    write_attributes_line(clock.attributes);
    if (!clock.description.empty()) line("Description", clock.description);
    line("Frequency (Hz)", grouped(clock.frequency_hz));
    line("Precision (cycles)", grouped(clock.precision_cycles.value_or(0)));
    const ctf::ClockOffset offset = ctf::shifted_offset(clock, change_.offset_ns);
    line("Offset (s)", grouped(offset.seconds));
    line("Offset (cycles)", grouped(offset.cycles));
    line("Origin is Unix epoch", clock.origin_is_unix_epoch || change_.forces_unix_epoch);
    if (!clock.uid.empty()) line("UUID", clock.uid);
    indent_ -= 2;
  }

  void write_event(const ctf::EventPlan& event) {
    const ctf::EventClass& event_class = *event.event_class;
    put_title("Event class", event_class.name, Ink::kEventName, event_class.id);
    indent_ += 2;
    write_attributes_line(event_class.attributes);
    if (event_class.log_level && *event_class.log_level < kLogLevels.size()) {
      line("Log level", std::string(kLogLevels[*event_class.log_level]));
    }
    if (!event_class.emf_uri.empty()) line("EMF URI", event_class.emf_uri);
    write_root("Specific context field class", event.specific_context);
    write_root("Payload field class", event.payload);
    indent_ -= 2;
  }

  void write_root(const char* name, const ctf::ScopePlan& scope) {
    if (scope.empty() || plan_.fields()[scope.root].is_hidden) return;
    put_name(name);
    out_ += ' ';
    write_class(scope.root);
    out_ += '\n';
  }

  // One field class, from behind its name to the end of its last line.
  void write_class(std::uint32_t index) {
    const Field& field = plan_.fields()[index];
    const FieldClass& field_class = *field.field_class;
    indent_ += 2;
    if (const auto* integer = field_class.as<ctf::Integer>()) {
      write_integer(field_class, integer->is_signed, integer->layout.length_bits, integer->base,
                    integer->mappings);
    } else if (const auto* variable = field_class.as<ctf::VariableInteger>()) {
      write_integer(field_class, variable->is_signed, 64, variable->base, variable->mappings);
    } else if (field_class.as<ctf::Boolean>() != nullptr) {
      put_type("Boolean");
    } else if (field_class.as<ctf::BitArray>() != nullptr ||
               field_class.as<ctf::BitMap>() != nullptr) {
      put_type("Bit array");
    } else if (const auto* real = field_class.as<ctf::Float>()) {
      put_type(real->layout.length_bits == 64 ? "Double-precision real" : "Single-precision real");
    } else if (field_class.as<ctf::Structure>() != nullptr) {
      write_structure(field);
    } else if (const auto* fixed = field_class.as<ctf::StaticArray>()) {
      put_type("Static array");
      out_ += " (Length " + number(fixed->length) + ')';
      write_element(field);
    } else if (const auto* array = field_class.as<ctf::DynamicArray>()) {
      const auto path = path_to(index, array->length);
      put_type(path ? "Dynamic array (with length field)" : "Dynamic array (no length field)");
      if (path) out_ += " (Length field path " + *path + ')';
      write_element(field);
    } else if (const auto* optional = field_class.as<ctf::Optional>()) {
      write_optional(index, *optional);
    } else if (const auto* variant = field_class.as<ctf::Variant>()) {
      write_variant(index, *variant);
    } else if (const auto* blob = field_class.as<ctf::StaticBlob>()) {
      put_type("Static BLOB");
      out_ += " (Length " + number(blob->length_bytes) + ')';
    } else if (field_class.as<ctf::DynamicBlob>() != nullptr) {
      put_type("Dynamic BLOB");
    } else {
      put_type("String");
    }
    if (!has_lines(field_class)) open_block(field_class, nullptr);
    indent_ -= 2;
  }

  // Whether more than attributes stands below the first line of a class, after which they come.
  static bool has_lines(const FieldClass& field_class) {
    const auto* integer = field_class.as<ctf::Integer>();
    const auto* variable = field_class.as<ctf::VariableInteger>();
    return (integer != nullptr && !integer->mappings.empty()) ||
           (variable != nullptr && !variable->mappings.empty()) ||
           field_class.as<ctf::Structure>() != nullptr ||
           field_class.as<ctf::StaticArray>() != nullptr ||
           field_class.as<ctf::DynamicArray>() != nullptr ||
           field_class.as<ctf::Optional>() != nullptr || field_class.as<ctf::Variant>() != nullptr;
  }

  void put_type(const char* name) { out_ += brush_(Ink::kType, name); }

  // Behind the first line of a class: its attributes, then what introduces the lines below. True if
  // those stand below `title`, too, and are indented once more.
  bool open_block(const FieldClass& field_class, const char* title) {
    if (field_class.attributes.empty()) {
      if (title != nullptr) out_ += ':';
      return false;
    }
    out_ += ":\n";
    write_attributes(field_class.attributes);
    if (title == nullptr) return false;
    out_ += '\n';
    put_name(title);
    indent_ += 2;
    return true;
  }
  // The same where a line with a name of its own follows.
  void open_lines(const FieldClass& field_class) {
    if (field_class.attributes.empty()) out_ += ':';
    open_block(field_class, nullptr);
    out_ += '\n';
  }

  void write_ranges(const std::vector<ctf::IntegerRange>& ranges, bool is_signed) {
    std::vector<ctf::IntegerRange> sorted = ranges;
    std::ranges::sort(sorted, [&](const ctf::IntegerRange& a, const ctf::IntegerRange& b) {
      return is_signed ? static_cast<std::int64_t>(a.lower) < static_cast<std::int64_t>(b.lower)
                       : a.lower < b.lower;
    });
    for (const ctf::IntegerRange& range : sorted) {
      const auto text = [&](std::uint64_t bound) {
        return is_signed ? number(static_cast<std::int64_t>(bound)) : number(bound);
      };
      out_ += " [" + text(range.lower);
      if (range.lower != range.upper) out_ += ", " + text(range.upper);
      out_ += ']';
    }
  }

  void write_integer(const FieldClass& field_class, bool is_signed, std::uint64_t bits,
                     ctf::Base base, const std::vector<ctf::Mapping>& mappings) {
    put_type(is_signed ? (mappings.empty() ? "Signed integer" : "Signed enumeration")
                       : (mappings.empty() ? "Unsigned integer" : "Unsigned enumeration"));
    out_ += " (" + bold(std::to_string(bits) + "-bit") + ", Base " +
            number(static_cast<std::uint64_t>(base));
    if (mappings.empty()) {
      out_ += ')';
      return;
    }
    out_ += ", " + counted(mappings.size(), "mapping") + ')';
    const bool is_below = open_block(field_class, "Mappings");
    std::vector<const ctf::Mapping*> sorted;
    sorted.reserve(mappings.size());
    for (const ctf::Mapping& mapping : mappings) sorted.push_back(&mapping);
    std::ranges::stable_sort(sorted, {}, [](const auto* each) { return each->name; });
    for (const ctf::Mapping* mapping : sorted) {
      out_ += '\n';
      put_name(mapping->name.c_str());
      write_ranges(mapping->ranges, is_signed);
    }
    if (is_below) indent_ -= 2;
  }

  void write_structure(const Field& field) {
    std::vector<std::uint32_t> members;
    for (const std::uint32_t child : field.children) {
      if (!plan_.fields()[child].is_hidden) members.push_back(child);
    }
    put_type("Structure");
    out_ += " (" + counted(members.size(), "member") + ')';
    const bool is_below = open_block(*field.field_class, members.empty() ? nullptr : "Members");
    for (const std::uint32_t member : members) {
      out_.append("\n").append(indent_, ' ') += brush_(Ink::kMember, plan_.fields()[member].name);
      out_ += ": ";
      write_class(member);
    }
    if (is_below) indent_ -= 2;
  }

  void write_element(const Field& field) {
    open_lines(*field.field_class);
    put_name("Element");
    out_ += ' ';
    if (!field.children.empty()) write_class(field.children.front());
  }

  void write_optional(std::uint32_t index, const ctf::Optional& optional) {
    put_type(optional.ranges.empty()       ? "Option (boolean selector)"
             : optional.selector_is_signed ? "Option (signed integer selector)"
                                           : "Option (unsigned integer selector)");
    if (const auto path = path_to(index, optional.selector)) {
      out_ += " (Selector field path " + *path + ')';
    }
    open_lines(*plan_.fields()[index].field_class);
    if (optional.ranges.empty()) {
      line("Selector is reversed", false);
    } else {
      put_name("Selector ranges");
      write_ranges(optional.ranges, optional.selector_is_signed);
      out_ += '\n';
    }
    put_name("Content");
    out_ += ' ';
    write_class(plan_.fields()[index].children.front());
  }

  void write_variant(std::uint32_t index, const ctf::Variant& variant) {
    put_type(variant.selector_is_signed ? "Variant (signed integer selector)"
                                        : "Variant (unsigned integer selector)");
    out_ += " (" + counted(variant.options.size(), "option");
    if (const auto path = path_to(index, variant.selector)) {
      out_ += ", Selector field path " + *path;
    }
    out_ += ')';
    const Field& field = plan_.fields()[index];
    const bool is_below =
        open_block(*field.field_class, variant.options.empty() ? nullptr : "Options");
    for (std::size_t i = 0; i < variant.options.size(); ++i) {
      out_.append("\n").append(indent_, ' ') += brush_(Ink::kMember, variant.options[i].name);
      out_ += ':';
      write_ranges(variant.options[i].ranges, variant.selector_is_signed);
      out_ += ": ";
      write_class(field.children[i]);
    }
    if (is_below) indent_ -= 2;
  }

  // The structure around a field, or kNone.
  [[nodiscard]] std::uint32_t structure_around(std::uint32_t index) const {
    do {
      index = plan_.fields()[index].parent;
    } while (index != ctf::kNone &&
             plan_.fields()[index].field_class->as<ctf::Structure>() == nullptr);
    return index;
  }

  [[nodiscard]] std::uint32_t root_of(std::uint32_t index) const {
    while (plan_.fields()[index].parent != ctf::kNone) index = plan_.fields()[index].parent;
    return index;
  }

  // The roots that can be seen from a field, with their names in paths.
  [[nodiscard]] std::vector<std::pair<std::uint32_t, const char*>> roots_around(
      std::uint32_t index) const {
    const std::uint32_t root = root_of(index);
    for (const ctf::StreamPlan& stream : plan_.streams()) {
      const auto names = [&](const ctf::EventPlan* event) {
        return std::vector<std::pair<std::uint32_t, const char*>>{
            {stream.packet_context.root, "Packet context"},
            {stream.common_context.root, "Event common context"},
            {event == nullptr ? ctf::kNone : event->specific_context.root,
             "Event specific context"},
            {event == nullptr ? ctf::kNone : event->payload.root, "Event payload"}};
      };
      if (stream.packet_context.root == root || stream.common_context.root == root) {
        return names(nullptr);
      }
      for (const ctf::EventPlan& event : stream.events) {
        if (event.specific_context.root == root || event.payload.root == root) return names(&event);
      }
    }
    return {};
  }

  // Where a length or selector is, "[Event payload: 1, 0]"; none if it is in a header, which
  // Babeltrace does not show.
  [[nodiscard]] std::optional<std::string> path_to(std::uint32_t from,
                                                   const ctf::FieldLocation& location) const {
    const auto roots = roots_around(from);
    std::uint32_t place = structure_around(from);
    if (location.origin) {
      place = ctf::kNone;
      const std::array<std::pair<ctf::Scope, std::size_t>, 4> scopes = {
          std::pair{ctf::Scope::kPacketContext, std::size_t{0}},
          std::pair{ctf::Scope::kCommonContext, std::size_t{1}},
          std::pair{ctf::Scope::kSpecificContext, std::size_t{2}},
          std::pair{ctf::Scope::kPayload, std::size_t{3}}};
      for (const auto& [scope, which] : scopes) {
        if (scope == *location.origin && which < roots.size()) place = roots[which].first;
      }
    }
    for (const std::optional<std::string>& step : location.path) {
      if (place == ctf::kNone) return std::nullopt;
      if (!step) {
        place = structure_around(place);
        continue;
      }
      // From an array of structures on to the structure.
      while (plan_.fields()[place].field_class->as<ctf::Structure>() == nullptr &&
             !plan_.fields()[place].children.empty()) {
        place = plan_.fields()[place].children.front();
      }
      std::uint32_t found = ctf::kNone;
      for (const std::uint32_t child : plan_.fields()[place].children) {
        if (plan_.fields()[child].name == *step) found = child;
      }
      place = found;
    }
    if (place == ctf::kNone) return std::nullopt;
    return path_text(place, roots);
  }

  [[nodiscard]] std::optional<std::string> path_text(
      std::uint32_t place, const std::vector<std::pair<std::uint32_t, const char*>>& roots) const {
    const std::uint32_t root = root_of(place);
    const auto scope =
        std::ranges::find(roots, root, &std::pair<std::uint32_t, const char*>::first);
    if (scope == roots.end()) return std::nullopt;
    std::string items;
    for (; place != root; place = plan_.fields()[place].parent) {
      const Field& parent = plan_.fields()[plan_.fields()[place].parent];
      std::string item = "<current>";
      if (parent.field_class->as<ctf::StaticArray>() == nullptr &&
          parent.field_class->as<ctf::DynamicArray>() == nullptr) {
        std::uint64_t place_in_parent = 0;
        for (const std::uint32_t child : parent.children) {
          if (child == place) break;
          if (!plan_.fields()[child].is_hidden) ++place_in_parent;
        }
        item = grouped(place_in_parent);
      }
      item = bold(item);
      if (!items.empty()) item.append(", ").append(items);
      items = std::move(item);
    }
    return '[' + bold(scope->second) + ": " + items + ']';
  }

  const ctf::Plan& plan_;
  const ClockChange& change_;
  Brush brush_;
  std::string& out_;
  std::size_t indent_ = 0;
};

}  // namespace

void append_trace_class(const ctf::Plan& plan, const ClockChange& change, Brush brush,
                        std::string* out) {
  ClassWriter(plan, change, brush, out).write();
}

}  // namespace sillage::report
