// SPDX-License-Identifier: MIT
#include "ctf/json_names.hpp"
#include "ctf/metadata.hpp"
#include "ctf/text.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace sillage::ctf {

namespace {

// Keys keep the order in which they are set: `type` first is what people look for.
using Json = nlohmann::ordered_json;

Json location_json(const FieldLocation& location) {
  Json json = Json::object();
  if (location.origin) json["origin"] = kScopeNames[static_cast<std::size_t>(*location.origin)];
  Json path = Json::array();
  for (const auto& element : location.path)
    path.push_back(element ? Json(valid_utf8(*element)) : Json(nullptr));
  json["path"] = std::move(path);
  return json;
}

Json ranges_json(const std::vector<IntegerRange>& ranges, bool is_signed) {
  Json json = Json::array();
  const auto number = [&](std::uint64_t bits) {
    return is_signed ? Json(static_cast<std::int64_t>(bits)) : Json(bits);
  };
  for (const IntegerRange& range : ranges)
    json.push_back(Json::array({number(range.lower), number(range.upper)}));
  return json;
}

Json mappings_json(const std::vector<Mapping>& mappings, bool is_signed) {
  Json json = Json::object();
  for (const Mapping& mapping : mappings) {
    if (mapping.ranges.empty()) continue;
    // Names that differ only in bytes that are not text are one name here: their ranges are joined.
    Json& ranges = json[valid_utf8(mapping.name)];
    for (Json& range : ranges_json(mapping.ranges, is_signed)) ranges.push_back(std::move(range));
  }
  return json;
}

void put_roles(Json& json, Roles roles) {
  if (roles.empty()) return;
  Json names = Json::array();
  for (std::size_t i = 0; i < kRoleCount; ++i) {
    if (roles.has(static_cast<Role>(i))) names.push_back(kRoleNames[i]);
  }
  json["roles"] = std::move(names);
}

void put_layout(Json& json, const BitLayout& layout) {
  json["length"] = layout.length_bits;
  json["byte-order"] = layout.byte_order == ByteOrder::kLittle ? "little-endian" : "big-endian";
  if (layout.bit_order) {
    json["bit-order"] =
        *layout.bit_order == BitOrder::kFirstToLast ? "first-to-last" : "last-to-first";
  }
  if (layout.alignment_bits > 1) json["alignment"] = layout.alignment_bits;
}

template <class AnyInteger>
void put_integer(Json& json, const AnyInteger& integer) {
  if (integer.base != Base::kDecimal)
    json["preferred-display-base"] = static_cast<unsigned>(integer.base);
  if (Json mappings = mappings_json(integer.mappings, integer.is_signed); !mappings.empty())
    json["mappings"] = std::move(mappings);
  put_roles(json, integer.roles);
}

void put_encoding(Json& json, Encoding encoding) {
  if (encoding != Encoding::kUtf8)
    json["encoding"] = kEncodingNames[static_cast<std::size_t>(encoding)];
}

void put_media_type(Json& json, const std::string& media_type) {
  if (!media_type.empty() && media_type != kDefaultMediaType)
    json["media-type"] = valid_utf8(media_type);
}

Json typed(const char* type) {
  Json json = Json::object();
  json["type"] = type;
  return json;
}

/// Writes field classes as JSON objects: one overload per kind.
struct FieldClassWriter {
  Json operator()(const BitArray& bits) const {
    Json json = typed("fixed-length-bit-array");
    put_layout(json, bits.layout);
    return json;
  }
  Json operator()(const BitMap& bits) const {
    Json json = typed("fixed-length-bit-map");
    put_layout(json, bits.layout);
    json["flags"] = mappings_json(bits.flags, false);
    return json;
  }
  Json operator()(const Boolean& boolean) const {
    Json json = typed("fixed-length-boolean");
    put_layout(json, boolean.layout);
    return json;
  }
  Json operator()(const Integer& integer) const {
    Json json =
        typed(integer.is_signed ? "fixed-length-signed-integer" : "fixed-length-unsigned-integer");
    put_layout(json, integer.layout);
    put_integer(json, integer);
    return json;
  }
  Json operator()(const VariableInteger& integer) const {
    Json json = typed(integer.is_signed ? "variable-length-signed-integer"
                                        : "variable-length-unsigned-integer");
    put_integer(json, integer);
    return json;
  }
  Json operator()(const Float& number) const {
    Json json = typed("fixed-length-floating-point-number");
    put_layout(json, number.layout);
    return json;
  }
  Json operator()(const NullTerminatedString& text) const {
    Json json = typed("null-terminated-string");
    put_encoding(json, text.encoding);
    return json;
  }
  Json operator()(const StaticString& text) const {
    Json json = typed("static-length-string");
    json["length"] = text.length_bytes;
    put_encoding(json, text.encoding);
    return json;
  }
  Json operator()(const DynamicString& text) const {
    Json json = typed("dynamic-length-string");
    json["length-field-location"] = location_json(text.length_bytes);
    put_encoding(json, text.encoding);
    return json;
  }
  Json operator()(const StaticBlob& blob) const {
    Json json = typed("static-length-blob");
    json["length"] = blob.length_bytes;
    put_media_type(json, blob.media_type);
    put_roles(json, blob.roles);
    return json;
  }
  Json operator()(const DynamicBlob& blob) const {
    Json json = typed("dynamic-length-blob");
    json["length-field-location"] = location_json(blob.length_bytes);
    put_media_type(json, blob.media_type);
    return json;
  }
  Json operator()(const StaticArray& array) const {
    Json json = typed("static-length-array");
    json["length"] = array.length;
    put_element(json, array);
    return json;
  }
  Json operator()(const DynamicArray& array) const {
    Json json = typed("dynamic-length-array");
    json["length-field-location"] = location_json(array.length);
    put_element(json, array);
    return json;
  }
  Json operator()(const Structure& structure) const {
    Json json = typed("structure");
    if (structure.minimum_alignment_bits > 1)
      json["minimum-alignment"] = structure.minimum_alignment_bits;
    Json members = Json::array();
    for (const Member& member : structure.members) {
      Json entry = Json::object();
      entry["name"] = valid_utf8(member.name);
      entry["field-class"] = write(member.field_class);
      members.push_back(std::move(entry));
    }
    if (!members.empty()) json["member-classes"] = std::move(members);
    return json;
  }
  Json operator()(const Optional& optional) const {
    Json json = typed("optional");
    json["selector-field-location"] = location_json(optional.selector);
    if (!optional.ranges.empty())
      json["selector-field-ranges"] = ranges_json(optional.ranges, optional.selector_is_signed);
    json["field-class"] = write(optional.field_class);
    return json;
  }
  Json operator()(const Variant& variant) const {
    Json json = typed("variant");
    json["selector-field-location"] = location_json(variant.selector);
    Json options = Json::array();
    for (const VariantOption& option : variant.options) {
      Json entry = Json::object();
      if (!option.name.empty()) entry["name"] = valid_utf8(option.name);
      entry["selector-field-ranges"] = ranges_json(option.ranges, variant.selector_is_signed);
      entry["field-class"] = write(option.field_class);
      options.push_back(std::move(entry));
    }
    json["options"] = std::move(options);
    return json;
  }

  Json write(const FieldClassRef& field_class) const {
    return std::visit(*this, field_class->kind);
  }

 private:
  template <class Array>
  void put_element(Json& json, const Array& array) const {
    if (array.minimum_alignment_bits > 1) json["minimum-alignment"] = array.minimum_alignment_bits;
    json["element-field-class"] = write(array.element);
  }
};

void put_scope(Json& json, const char* key, const FieldClassRef& structure) {
  if (structure) json[key] = FieldClassWriter().write(structure);
}

void put_identity(Json& json, const std::string& name_space, const std::string& name,
                  const std::string& uid) {
  if (!name_space.empty()) json["namespace"] = valid_utf8(name_space);
  // A uid says something only beside a name, so then the name is written even if it is empty, as
  // LTTng does.
  if (!name.empty() || !uid.empty()) json["name"] = valid_utf8(name);
  if (!uid.empty()) json["uid"] = valid_utf8(uid);
}

/// One element of the JSON text sequence, on one line.
std::string fragment(const Json& json) { return "\x1e" + json.dump() + "\n"; }

Json clock_json(const ClockClass& clock) {
  Json json = typed("clock-class");
  json["id"] = valid_utf8(clock.id);
  put_identity(json, clock.name_space, clock.name, clock.uid);
  if (!clock.description.empty()) json["description"] = valid_utf8(clock.description);
  json["frequency"] = clock.frequency_hz;
  if (clock.precision_cycles) json["precision"] = *clock.precision_cycles;
  if (clock.accuracy_cycles) json["accuracy"] = *clock.accuracy_cycles;
  if (clock.origin_is_unix_epoch) json["origin"] = "unix-epoch";
  json["offset-from-origin"] = {{"seconds", clock.offset_seconds}, {"cycles", clock.offset_cycles}};
  return json;
}

}  // namespace

std::string json_head(const TraceClass& trace) {
  Json preamble = typed("preamble");
  preamble["version"] = 2;
  if (trace.uuid) {
    Json uuid = Json::array();
    for (const std::byte byte : *trace.uuid) uuid.push_back(std::to_integer<unsigned>(byte));
    preamble["uuid"] = std::move(uuid);
  }

  Json json = typed("trace-class");
  put_identity(json, trace.name_space, trace.name, trace.uid);
  Json environment = Json::object();
  for (const EnvironmentEntry& entry : trace.environment) {
    if (const std::string* text = std::get_if<std::string>(&entry.value))
      environment[valid_utf8(entry.name)] = valid_utf8(*text);
    else
      environment[valid_utf8(entry.name)] = std::get<std::int64_t>(entry.value);
  }
  if (!environment.empty()) json["environment"] = std::move(environment);
  put_scope(json, "packet-header-field-class", trace.packet_header);

  std::string text = fragment(preamble) + fragment(json);
  for (const ClockClass& clock : trace.clocks) text += fragment(clock_json(clock));
  return text;
}

std::string json_stream_class(const TraceClass&, const DataStreamClass& stream) {
  Json json = typed("data-stream-class");
  json["id"] = stream.id;
  put_identity(json, stream.name_space, stream.name, stream.uid);
  if (stream.default_clock_id)
    json["default-clock-class-id"] = valid_utf8(*stream.default_clock_id);
  put_scope(json, "packet-context-field-class", stream.packet_context);
  put_scope(json, "event-record-header-field-class", stream.event_header);
  put_scope(json, "event-record-common-context-field-class", stream.common_context);
  return fragment(json);
}

std::string json_event_class(const TraceClass&, const EventClass& event) {
  Json json = typed("event-record-class");
  json["id"] = event.id;
  json["data-stream-class-id"] = event.stream_class_id;
  json["name"] = valid_utf8(event.name);
  Json attributes = Json::object();
  if (event.log_level && *event.log_level < kLogLevelNames.size())
    attributes["log-level"] = kLogLevelNames[*event.log_level];
  if (!event.emf_uri.empty()) attributes["emf-uri"] = valid_utf8(event.emf_uri);
  if (!attributes.empty()) json["attributes"][kLttngNamespace] = std::move(attributes);
  put_scope(json, "specific-context-field-class", event.specific_context);
  put_scope(json, "payload-field-class", event.payload);
  return fragment(json);
}

}  // namespace sillage::ctf
