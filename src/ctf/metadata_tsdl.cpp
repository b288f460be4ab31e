// SPDX-License-Identifier: MIT
#include "ctf/metadata.hpp"
#include "ctf/text.hpp"
#include "ctf/tsdl_identifiers.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sillage::ctf {

namespace {

/// A string literal. Control characters are escaped, so that it stays on its line whatever an
/// application chose.
std::string quoted(std::string_view bytes) {
  std::string literal = "\"";
  for (const char c : valid_utf8(bytes)) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      literal += '\\';
      literal += c;
    } else if (c == '\n') {
      literal += "\\n";
    } else if (c == '\t') {
      literal += "\\t";
    } else if (code == 0) {
      literal += "\xef\xbf\xbd";  // readers keep names in C strings
    } else if (code < 0x20 || code == 0x7f) {
      literal += '\\';
      for (int shift = 6; shift >= 0; shift -= 3)
        literal += static_cast<char>('0' + ((code >> shift) & 7));
    } else {
      literal += c;
    }
  }
  return literal + '"';
}

/// A name of the environment, which readers show as it stands: escaped only if it must be.
std::string environment_name(std::string_view name) {
  const std::string escaped = tsdl_identifier(name);
  const bool can_begin = escaped.size() > 1 && !(escaped[1] >= '0' && escaped[1] <= '9');
  return can_begin ? escaped.substr(1) : escaped;
}

const char* byte_order_name(ByteOrder order) { return order == ByteOrder::kLittle ? "le" : "be"; }

/// Whether members have names of applications, or are identifiers already: those that readers look
/// for, or made by who calls.
enum class Naming { kEscaped, kVerbatim };

Naming naming_of(Identifiers identifiers) {
  return identifiers == Identifiers::kGiven ? Naming::kVerbatim : Naming::kEscaped;
}

/// How references to fields of each Scope begin.
constexpr std::array<std::string_view, 6> kScopePrefixes{
    "trace.packet.header.",  "stream.packet.context.", "stream.event.header.",
    "stream.event.context.", "event.context.",         "event.fields."};

/// How root structures are named in their blocks, by Scope.
constexpr std::array<std::string_view, 6> kScopeNames{
    "packet.header", "packet.context", "event.header", "event.context", "context", "fields"};

/// Writes the field classes of one root structure as TSDL types.
class TypeWriter {
 public:
  /// `clock_id`: what fields with a timestamp's role are mapped to; "" = nothing.
  TypeWriter(const TraceClass& trace, Scope scope, std::string_view clock_id, Naming naming)
      : trace_(trace), scope_(scope), clock_id_(clock_id), naming_(naming) {}

  /// A structure type, whose closing brace is indented by `depth` tabs.
  [[nodiscard]] std::string structure(const FieldClassRef& field_class, unsigned depth) {
    const Structure* structure = field_class ? field_class->as<Structure>() : nullptr;
    return structure == nullptr ? "struct {}" : structure_text(*structure, depth);
  }

 private:
  /// A declaration is type, name, suffix: "integer { ... } _a[3]".
  struct Type {
    std::string text;
    std::string suffix{};
  };
  /// From the names of a structure's members to their identifiers in the text.
  using IdentifierMap = std::unordered_map<std::string, std::string>;

  std::string structure_text(const Structure& structure, unsigned depth) {
    std::string text = "struct {\n";
    IdentifierMap identifiers;
    TsdlIdentifiers names;
    ++open_structures_;
    for (const Member& member : structure.members) {
      const std::string name = naming_ == Naming::kEscaped ? names.add(member.name) : member.name;
      const Type type = type_of(*member.field_class, identifiers, depth + 1);
      identifiers.emplace(member.name, name);
      text += indent(depth + 1) + type.text + " " + name + type.suffix + ";\n";
    }
    --open_structures_;
    text += indent(depth) + "}";
    if (structure.minimum_alignment_bits > 1)
      text += " align(" + std::to_string(structure.minimum_alignment_bits) + ")";
    return text;
  }

  Type type_of(const FieldClass& field_class, const IdentifierMap& before, unsigned depth) {
    return std::visit([&](const auto& kind) { return type(kind, before, depth); },
                      field_class.kind);
  }

  Type type(const BitArray& bits, const IdentifierMap&, unsigned) {
    return {integer_text({.layout = bits.layout, .base = Base::kHexadecimal})};
  }
  Type type(const BitMap& bits, const IdentifierMap&, unsigned) {
    return {integer_text({.layout = bits.layout, .base = Base::kHexadecimal})};
  }
  Type type(const Boolean& boolean, const IdentifierMap&, unsigned) {
    return {integer_text({.layout = boolean.layout})};
  }
  Type type(const Integer& integer, const IdentifierMap&, unsigned depth) {
    if (integer.mappings.empty()) return {integer_text(integer)};
    std::string text = "enum : " + integer_text(integer) + " {\n";
    for (const Mapping& mapping : integer.mappings) {
      for (const IntegerRange& range : mapping.ranges) {
        text += indent(depth + 1) + quoted(mapping.name) + " = " +
                number_text(range.lower, integer.is_signed);
        if (range.lower != range.upper)
          text += " ... " + number_text(range.upper, integer.is_signed);
        text += ",\n";
      }
    }
    return {text + indent(depth) + "}"};
  }
  Type type(const VariableInteger& integer, const IdentifierMap&, unsigned) {
    // metadata.hpp: not in CTF 1.8. The widest integer is what a translated field would become.
    return {integer_text({.layout = {.length_bits = 64}, .is_signed = integer.is_signed})};
  }
  Type type(const Float& number, const IdentifierMap&, unsigned) {
    unsigned exponent = 11;
    switch (number.layout.length_bits) {
      case 16: exponent = 5; break;
      case 32: exponent = 8; break;
      case 128: exponent = 15; break;
      default: break;
    }
    return {"floating_point { exp_dig = " + std::to_string(exponent) +
            "; mant_dig = " + std::to_string(number.layout.length_bits - exponent) + "; align = " +
            std::to_string(number.layout.alignment_bits) + ";" + order_text(number.layout) + " }"};
  }
  Type type(const NullTerminatedString&, const IdentifierMap&, unsigned) { return {"string"}; }
  Type type(const StaticString& text, const IdentifierMap&, unsigned) {
    return {character_text(), "[" + std::to_string(text.length_bytes) + "]"};
  }
  Type type(const DynamicString& text, const IdentifierMap& before, unsigned) {
    return {character_text(), location_text(text.length_bytes, before)};
  }
  Type type(const StaticBlob& blob, const IdentifierMap&, unsigned) {
    return {byte_text(), "[" + std::to_string(blob.length_bytes) + "]"};
  }
  Type type(const DynamicBlob& blob, const IdentifierMap& before, unsigned) {
    return {byte_text(), location_text(blob.length_bytes, before)};
  }
  Type type(const StaticArray& array, const IdentifierMap& before, unsigned depth) {
    Type element = type_of(*array.element, before, depth);
    return {element.text, "[" + std::to_string(array.length) + "]" + element.suffix};
  }
  Type type(const DynamicArray& array, const IdentifierMap& before, unsigned depth) {
    Type element = type_of(*array.element, before, depth);
    return {element.text, location_text(array.length, before) + element.suffix};
  }
  Type type(const Structure& structure, const IdentifierMap&, unsigned depth) {
    return {structure_text(structure, depth)};
  }
  Type type(const Optional& optional, const IdentifierMap& before, unsigned depth) {
    // metadata.hpp: not in CTF 1.8. What is there when the field is there.
    return type_of(*optional.field_class, before, depth);
  }
  Type type(const Variant& variant, const IdentifierMap& before, unsigned depth) {
    std::string text = "variant <" + located(variant.selector, before) + "> {\n";
    for (const VariantOption& option : variant.options) {
      const Type type = type_of(*option.field_class, before, depth + 1);
      text += indent(depth + 1) + type.text + " " + option.name + type.suffix + ";\n";
    }
    return {text + indent(depth) + "}"};
  }

  std::string integer_text(const Integer& integer) {
    std::string text =
        "integer { size = " + std::to_string(integer.layout.length_bits) +
        "; align = " + std::to_string(integer.layout.alignment_bits) +
        "; signed = " + (integer.is_signed ? "1" : "0") +
        "; encoding = none; base = " + std::to_string(static_cast<unsigned>(integer.base)) + ";" +
        order_text(integer.layout);
    const bool is_time = integer.roles.has(Role::kDefaultClockTimestamp) ||
                         integer.roles.has(Role::kPacketEndDefaultClockTimestamp);
    if (is_time && !clock_id_.empty()) text += " map = clock." + std::string(clock_id_) + ".value;";
    return text + " }";
  }

  std::string order_text(const BitLayout& layout) const {
    if (layout.byte_order == trace_.byte_order) return "";
    return std::string(" byte_order = ") + byte_order_name(layout.byte_order) + ";";
  }

  static std::string number_text(std::uint64_t bits, bool is_signed) {
    return is_signed ? std::to_string(static_cast<std::int64_t>(bits)) : std::to_string(bits);
  }

  static std::string character_text() {
    return "integer { size = 8; align = 8; signed = 1; encoding = UTF8; base = 10; }";
  }
  static std::string byte_text() {
    return "integer { size = 8; align = 8; signed = 0; encoding = none; base = 16; }";
  }

  std::string located(const FieldLocation& location, const IdentifierMap& before) const {
    if (naming_ == Naming::kVerbatim) {
      // babeltrace2 2.0 takes no more than one word for a tag, so none is written that is not needed:
      // in the root structure itself its own members are found first.
      const bool is_near =
          !location.origin || (*location.origin == scope_ && open_structures_ == 1);
      std::string text(is_near ? "" : kScopePrefixes[static_cast<std::size_t>(*location.origin)]);
      // Parents are not written: a name is looked for from the inside to the outside.
      for (const auto& part : location.path) {
        if (part) text += (text.empty() || text.back() == '.' ? "" : ".") + *part;
      }
      return text;
    }
    const std::string name =
        location.path.empty() || !location.path.back() ? "" : *location.path.back();
    if (const auto found = before.find(name); found != before.end()) return found->second;
    return tsdl_identifier(name);
  }
  std::string location_text(const FieldLocation& location, const IdentifierMap& before) const {
    return "[" + located(location, before) + "]";
  }

  static std::string indent(unsigned depth) { return std::string(depth, '\t'); }

  const TraceClass& trace_;
  Scope scope_;
  std::string_view clock_id_;
  Naming naming_;
  std::size_t open_structures_ = 0;  // that the text is in
};

std::string property(std::string_view name, std::string_view value) {
  return "\t" + std::string(name) + " = " + std::string(value) + ";\n";
}

std::string scope(Scope scope, const FieldClassRef& structure, const TraceClass& trace,
                  std::string_view clock_id, Naming naming) {
  if (!structure) return "";
  return "\t" + std::string(kScopeNames[static_cast<std::size_t>(scope)]) +
         " := " + TypeWriter(trace, scope, clock_id, naming).structure(structure, 1) + ";\n";
}

std::string environment_block(const TraceClass& trace) {
  if (trace.environment.empty()) return "";
  std::string text = "env {\n";
  for (const EnvironmentEntry& entry : trace.environment) {
    const std::string* string = std::get_if<std::string>(&entry.value);
    text += property(
        environment_name(entry.name),
        string != nullptr ? quoted(*string) : std::to_string(std::get<std::int64_t>(entry.value)));
  }
  return text + "};\n\n";
}

std::string clock_block(const ClockClass& clock) {
  std::string text = "clock {\n" + property("name", quoted(clock.id));
  if (!clock.uid.empty()) text += property("uuid", quoted(clock.uid));
  if (!clock.description.empty()) text += property("description", quoted(clock.description));
  text += property("freq", std::to_string(clock.frequency_hz));
  if (clock.precision_cycles)
    text += property("precision", std::to_string(*clock.precision_cycles));
  // In cycles alone, as LTTng writes it and every reader expects, while the number fits.
  const __int128 cycles =
      static_cast<__int128>(clock.offset_seconds) * static_cast<__int128>(clock.frequency_hz) +
      static_cast<__int128>(clock.offset_cycles);
  if (cycles >= 0 && cycles <= std::numeric_limits<std::int64_t>::max()) {
    text += property("offset", std::to_string(static_cast<std::int64_t>(cycles)));
  } else {
    text += property("offset_s", std::to_string(clock.offset_seconds));
    text += property("offset", std::to_string(clock.offset_cycles));
  }
  // Readers take this for granted in traces whose tracer_name is LTTng's, but not in ours.
  if (clock.origin_is_unix_epoch) text += property("absolute", "true");
  return text + "};\n\n";
}

/// Whether packets say of which data stream class they are: if not, there is one, without a number.
bool has_stream_ids(const TraceClass& trace) {
  const Structure* header = trace.packet_header ? trace.packet_header->as<Structure>() : nullptr;
  if (header == nullptr) return false;
  return std::any_of(header->members.begin(), header->members.end(), [](const Member& member) {
    const auto* integer = member.field_class->as<Integer>();
    return integer != nullptr && integer->roles.has(Role::kDataStreamClassId);
  });
}

}  // namespace

std::string tsdl_head(const TraceClass& trace) {
  std::string text = "/* CTF 1.8 */\n\ntrace {\n";
  text += property("major", "1") + property("minor", "8");
  if (trace.uuid) text += property("uuid", quoted(uuid_text(*trace.uuid)));
  text += property("byte_order", byte_order_name(trace.byte_order));
  text += scope(Scope::kPacketHeader, trace.packet_header, trace, "", Naming::kVerbatim);
  text += "};\n\n" + environment_block(trace);
  for (const ClockClass& clock : trace.clocks) text += clock_block(clock);
  return text;
}

std::string tsdl_stream_class(const TraceClass& trace, const DataStreamClass& stream,
                              Identifiers identifiers) {
  const std::string clock = stream.default_clock_id.value_or("");
  std::string text = "stream {\n";
  if (has_stream_ids(trace)) text += property("id", std::to_string(stream.id));
  text += scope(Scope::kPacketContext, stream.packet_context, trace, clock, Naming::kVerbatim);
  text += scope(Scope::kEventRecordHeader, stream.event_header, trace, clock, Naming::kVerbatim);
  text += scope(Scope::kCommonContext, stream.common_context, trace, "", naming_of(identifiers));
  return text + "};\n\n";
}

std::string tsdl_event_class(const TraceClass& trace, const EventClass& event,
                             Identifiers identifiers) {
  std::string text = "event {\n" + property("name", quoted(event.name));
  text += property("id", std::to_string(event.id));
  if (has_stream_ids(trace)) text += property("stream_id", std::to_string(event.stream_class_id));
  if (event.log_level) text += property("loglevel", std::to_string(*event.log_level));
  if (!event.emf_uri.empty()) text += property("model.emf.uri", quoted(event.emf_uri));
  text += scope(Scope::kSpecificContext, event.specific_context, trace, "", naming_of(identifiers));
  text += scope(Scope::kPayload, event.payload, trace, "", naming_of(identifiers));
  return text + "};\n\n";
}

}  // namespace sillage::ctf
