// SPDX-License-Identifier: MIT
#include "sillage/details_classes.hpp"

#include "ctf/clock_time.hpp"
#include "ctf/text.hpp"
#include "sillage/details_number.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace sillage::command {
namespace {

using ctf::Field;
using ctf::FieldClass;

constexpr std::array kLogLevels = {
    "Emergency",      "Alert",        "Critical",         "Error",           "Warning",
    "Notice",         "Info",         "Debug (system)",   "Debug (program)", "Debug (process)",
    "Debug (module)", "Debug (unit)", "Debug (function)", "Debug (line)",    "Debug",
};

std::string counted(std::size_t count, const char* what) {
  return grouped(std::uint64_t{count}) + ' ' + what + (count == 1 ? "" : "s");
}

// The classes of one trace, line by line.
class ClassWriter {
 public:
  ClassWriter(const ctf::Plan& plan, const ClockChange& change, std::string* out)
      : plan_(plan), change_(change), out_(*out) {}

  void write() {
    out_ += "Trace class";
    std::vector<const ctf::StreamPlan*> streams;
    streams.reserve(plan_.streams().size());
    for (const ctf::StreamPlan& stream : plan_.streams()) streams.push_back(&stream);
    std::ranges::sort(streams, {}, [](const auto* each) { return each->stream_class->id; });
    out_ += streams.empty() ? "\n" : ":\n";
    indent_ = 2;
    for (const ctf::StreamPlan* stream : streams) write_stream(*stream);
  }

 private:
  void line(const char* name, const std::string& value) {
    out_.append(indent_, ' ').append(name).append(": ").append(value) += '\n';
  }
  void line(const char* name, bool is_true) { line(name, std::string(is_true ? "Yes" : "No")); }

  void write_stream(const ctf::StreamPlan& stream) {
    using ctf::Role;
    const ctf::DataStreamClass& stream_class = *stream.stream_class;
    out_.append(indent_, ' ') += "Stream class";
    if (!stream_class.name.empty()) out_ += " `" + stream_class.name + '`';
    out_ += " (ID " + grouped(stream_class.id) + "):\n";
    indent_ += 2;
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
    out_.append(indent_, ' ') += "Default clock class:\n";
    indent_ += 2;
    if (!clock.name.empty()) line("Name", clock.name);
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
    out_.append(indent_, ' ') += "Event class";
    if (!event_class.name.empty()) out_ += " `" + event_class.name + '`';
    out_ += " (ID " + grouped(event_class.id) + "):\n";
    indent_ += 2;
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
    out_.append(indent_, ' ').append(name) += ": ";
    write_class(scope.root);
    out_ += '\n';
  }

  // One field class, from behind its name to the end of its last line.
  void write_class(std::uint32_t index) {
    const Field& field = plan_.fields()[index];
    const FieldClass& field_class = *field.field_class;
    indent_ += 2;
    if (const auto* integer = field_class.as<ctf::Integer>()) {
      write_integer(integer->is_signed, integer->layout.length_bits, integer->base,
                    integer->mappings);
    } else if (const auto* variable = field_class.as<ctf::VariableInteger>()) {
      write_integer(variable->is_signed, 64, variable->base, variable->mappings);
    } else if (field_class.as<ctf::Boolean>() != nullptr) {
      out_ += "Boolean";
    } else if (field_class.as<ctf::BitArray>() != nullptr ||
               field_class.as<ctf::BitMap>() != nullptr) {
      out_ += "Bit array";
    } else if (const auto* real = field_class.as<ctf::Float>()) {
      out_ += real->layout.length_bits == 64 ? "Double-precision real" : "Single-precision real";
    } else if (field_class.as<ctf::Structure>() != nullptr) {
      write_structure(field);
    } else if (const auto* fixed = field_class.as<ctf::StaticArray>()) {
      out_ += "Static array (Length " + grouped(fixed->length) + ')';
      write_element(field);
    } else if (const auto* array = field_class.as<ctf::DynamicArray>()) {
      out_ += "Dynamic array";
      const auto path = path_to(index, array->length);
      out_ +=
          path ? " (with length field) (Length field path " + *path + ')' : " (no length field)";
      write_element(field);
    } else if (const auto* optional = field_class.as<ctf::Optional>()) {
      write_optional(index, *optional);
    } else if (const auto* variant = field_class.as<ctf::Variant>()) {
      write_variant(index, *variant);
    } else if (const auto* blob = field_class.as<ctf::StaticBlob>()) {
      out_ += "Static BLOB (Length " + grouped(blob->length_bytes) + ')';
    } else if (field_class.as<ctf::DynamicBlob>() != nullptr) {
      out_ += "Dynamic BLOB";
    } else {
      out_ += "String";
    }
    indent_ -= 2;
  }

  void write_ranges(const std::vector<ctf::IntegerRange>& ranges, bool is_signed) {
    std::vector<ctf::IntegerRange> sorted = ranges;
    std::ranges::sort(sorted, [&](const ctf::IntegerRange& a, const ctf::IntegerRange& b) {
      return is_signed ? static_cast<std::int64_t>(a.lower) < static_cast<std::int64_t>(b.lower)
                       : a.lower < b.lower;
    });
    for (const ctf::IntegerRange& range : sorted) {
      const auto text = [&](std::uint64_t bound) {
        return is_signed ? grouped(static_cast<std::int64_t>(bound)) : grouped(bound);
      };
      out_ += " [" + text(range.lower);
      if (range.lower != range.upper) out_ += ", " + text(range.upper);
      out_ += ']';
    }
  }

  void write_integer(bool is_signed, std::uint64_t bits, ctf::Base base,
                     const std::vector<ctf::Mapping>& mappings) {
    out_ += is_signed ? "Signed " : "Unsigned ";
    out_ += mappings.empty() ? "integer" : "enumeration";
    out_ +=
        " (" + std::to_string(bits) + "-bit, Base " + std::to_string(static_cast<unsigned>(base));
    if (mappings.empty()) {
      out_ += ')';
      return;
    }
    out_ += ", " + counted(mappings.size(), "mapping") + "):";
    std::vector<const ctf::Mapping*> sorted;
    sorted.reserve(mappings.size());
    for (const ctf::Mapping& mapping : mappings) sorted.push_back(&mapping);
    std::ranges::stable_sort(sorted, {}, [](const auto* each) { return each->name; });
    for (const ctf::Mapping* mapping : sorted) {
      out_.append("\n").append(indent_, ' ').append(mapping->name) += ':';
      write_ranges(mapping->ranges, is_signed);
    }
  }

  void write_structure(const Field& field) {
    std::vector<std::uint32_t> members;
    for (const std::uint32_t child : field.children) {
      if (!plan_.fields()[child].is_hidden) members.push_back(child);
    }
    out_ += "Structure (" + counted(members.size(), "member") + ')';
    if (!members.empty()) out_ += ':';
    for (const std::uint32_t member : members) {
      out_.append("\n").append(indent_, ' ').append(plan_.fields()[member].name) += ": ";
      write_class(member);
    }
  }

  void write_element(const Field& field) {
    out_.append(":\n").append(indent_, ' ') += "Element: ";
    if (!field.children.empty()) write_class(field.children.front());
  }

  void write_optional(std::uint32_t index, const ctf::Optional& optional) {
    out_ += optional.ranges.empty()       ? "Option (boolean selector)"
            : optional.selector_is_signed ? "Option (signed integer selector)"
                                          : "Option (unsigned integer selector)";
    if (const auto path = path_to(index, optional.selector)) {
      out_ += " (Selector field path " + *path + ')';
    }
    out_ += ":\n";
    if (optional.ranges.empty()) {
      line("Selector is reversed", false);
    } else {
      out_.append(indent_, ' ') += "Selector ranges:";
      write_ranges(optional.ranges, optional.selector_is_signed);
      out_ += '\n';
    }
    out_.append(indent_, ' ') += "Content: ";
    write_class(plan_.fields()[index].children.front());
  }

  void write_variant(std::uint32_t index, const ctf::Variant& variant) {
    out_ += variant.selector_is_signed ? "Variant (signed integer selector) ("
                                       : "Variant (unsigned integer selector) (";
    out_ += counted(variant.options.size(), "option");
    if (const auto path = path_to(index, variant.selector)) {
      out_ += ", Selector field path " + *path;
    }
    out_ += variant.options.empty() ? ")" : "):";
    const Field& field = plan_.fields()[index];
    for (std::size_t i = 0; i < variant.options.size(); ++i) {
      out_.append("\n").append(indent_, ' ').append(variant.options[i].name) += ':';
      write_ranges(variant.options[i].ranges, variant.selector_is_signed);
      out_ += ": ";
      write_class(field.children[i]);
    }
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
        std::uint64_t number = 0;
        for (const std::uint32_t child : parent.children) {
          if (child == place) break;
          if (!plan_.fields()[child].is_hidden) ++number;
        }
        item = grouped(number);
      }
      if (!items.empty()) item.append(", ").append(items);
      items = std::move(item);
    }
    return '[' + std::string(scope->second) + ": " + items + ']';
  }

  const ctf::Plan& plan_;
  const ClockChange& change_;
  std::string& out_;
  std::size_t indent_ = 0;
};

}  // namespace

void append_trace_class(const ctf::Plan& plan, const ClockChange& change, std::string* out) {
  ClassWriter(plan, change, out).write();
}

}  // namespace sillage::command
