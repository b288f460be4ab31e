// SPDX-License-Identifier: MIT
#include "ctf/json_field_class.hpp"

#include "ctf/json_names.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <type_traits>
#include <unordered_set>
#include <utility>

namespace sillage::ctf {

namespace {

using Inside = JsonPlace::Inside;

/// What the allocator and a shared pointer add to the size of a thing.
constexpr std::size_t kOverhead = 48;

/// Indexed by Type.
constexpr std::array kTypeNames{
    "fixed-length-bit-array",
    "fixed-length-bit-map",
    "fixed-length-boolean",
    "fixed-length-unsigned-integer",
    "fixed-length-signed-integer",
    "fixed-length-floating-point-number",
    "variable-length-unsigned-integer",
    "variable-length-signed-integer",
    "null-terminated-string",
    "static-length-string",
    "dynamic-length-string",
    "static-length-blob",
    "dynamic-length-blob",
    "static-length-array",
    "dynamic-length-array",
    "structure",
    "optional",
    "variant",
};
enum class Type : std::uint8_t {
  kBitArray,
  kBitMap,
  kBoolean,
  kUnsigned,
  kSigned,
  kFloat,
  kVariableUnsigned,
  kVariableSigned,
  kNullTerminatedString,
  kStaticString,
  kDynamicString,
  kStaticBlob,
  kDynamicBlob,
  kStaticArray,
  kDynamicArray,
  kStructure,
  kOptional,
  kVariant,
};

Encoding read_encoding(JsonObject& in) {
  return static_cast<Encoding>(in.choice("encoding", kEncodingNames).value_or(0));
}

std::string read_media_type(JsonObject& in) {
  return in.text("media-type").value_or(kDefaultMediaType);
}

Base read_base(JsonObject& in) {
  const auto base = in.number("preferred-display-base").value_or(10);
  for (const Base one : {Base::kBinary, Base::kOctal, Base::kDecimal, Base::kHexadecimal}) {
    if (base == static_cast<std::uint64_t>(one)) return one;
  }
  in.set_error("'preferred-display-base' is 2, 8, 10 or 16");
  return Base::kDecimal;
}

Roles read_roles(JsonObject& in, bool is_blob) {
  Roles roles;
  const JsonValue* value = in.find("roles");
  if (value == nullptr) return roles;
  JsonPlace& place = in.place();
  const Inside inside(place, "roles");
  std::size_t index = 0;
  for (const JsonValue& element : json_elements(*value, place)) {
    const Inside inside_element(place, index++);
    const std::string& name = json_string(element, place);
    const auto found = std::find(kRoleNames.begin(), kRoleNames.end(), name);
    if (found == kRoleNames.end()) {
      place.set_error(element, "there is no role '" + name.substr(0, 64) + "'");
      return roles;
    }
    const auto role = static_cast<Role>(found - kRoleNames.begin());
    if ((role == Role::kMetadataStreamUuid) != is_blob)
      place.set_error(element, "the role '" + name + "' is one of " +
                                   (is_blob ? "unsigned integers" : "static-length BLOBs"));
    roles.add(role);
  }
  return roles;
}

/// Whether a selector's ranges are signed, of which only a negative bound tells.
bool has_negative_bound(const JsonValue& ranges) {
  const auto* all = ranges.as<JsonValue::Array>();
  return all != nullptr && std::any_of(all->begin(), all->end(), [](const JsonValue& range) {
           const auto* bounds = range.as<JsonValue::Array>();
           return bounds != nullptr && !bounds->empty() &&
                  bounds->front().as<std::int64_t>() != nullptr;
         });
}

template <class Kind>
constexpr bool kHasLocation =
    std::is_same_v<Kind, DynamicString> || std::is_same_v<Kind, DynamicBlob> ||
    std::is_same_v<Kind, DynamicArray> || std::is_same_v<Kind, Optional> ||
    std::is_same_v<Kind, Variant>;

/// A bound of a range: its 64 bits, and how it lies to what an integer of the class can be.
struct Bound {
  std::uint64_t bits = 0;
  enum class Side : std::uint8_t { kBelow, kInside, kAbove } side = Side::kInside;
};

Bound read_bound(const JsonValue& value, bool is_signed, JsonPlace& place) {
  constexpr std::uint64_t kLargest = std::numeric_limits<std::int64_t>::max();
  if (const auto* negative = value.as<std::int64_t>()) {
    if (is_signed) return {static_cast<std::uint64_t>(*negative)};
    return {0, Bound::Side::kBelow};
  }
  const std::uint64_t number = json_number(value, place);
  if (is_signed && number > kLargest) return {kLargest, Bound::Side::kAbove};
  return {number};
}

/// Options may not share a value of the selector.
void check_options(const Variant& variant, const JsonValue& value, JsonPlace& place) {
  std::vector<std::pair<IntegerRange, std::size_t>> all;
  // With the sign bit turned over, signed numbers have the order of unsigned ones.
  const std::uint64_t sign = variant.selector_is_signed ? std::uint64_t{1} << 63 : 0;
  for (std::size_t i = 0; i < variant.options.size(); ++i) {
    for (const IntegerRange& range : variant.options[i].ranges)
      all.push_back({{range.lower ^ sign, range.upper ^ sign}, i});
  }
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.first.lower < b.first.lower; });
  for (std::size_t i = 1, longest = 0; i < all.size(); ++i) {
    // What came before ends in front of `longest`, or belongs to the same option.
    if (all[i].second != all[longest].second && all[i].first.lower <= all[longest].first.upper) {
      const auto [first, second] = std::minmax(all[longest].second, all[i].second);
      place.set_error(value, "options " + std::to_string(first) + " and " + std::to_string(second) +
                                 " of this variant are for the same value of the selector");
      return;
    }
    if (all[i].second != all[longest].second || all[i].first.upper > all[longest].first.upper)
      longest = i;
  }
}

}  // namespace

std::string take_json_attributes(JsonObject& in) {
  JsonPlace& place = in.place();
  std::string text;
  if (const JsonValue* attributes = in.find("attributes")) {
    const Inside inside(place, "attributes");
    if (!json_members(*attributes, place).empty()) text = place.text_of(*attributes);
  }
  if (const JsonValue* extensions = in.find("extensions")) {
    const Inside inside(place, "extensions");
    for (const auto& [name_space, value] : json_members(*extensions, place)) {
      const Inside inside_namespace(place, name_space);
      for (const auto& [name, extension] : json_members(value, place)) {
        const Inside inside_extension(place, name);
        place.set_error(extension, "the preamble does not declare this extension");
      }
    }
  }
  return text;
}

std::optional<std::string> take_json_name(JsonObject& in, std::string_view name,
                                          const MetadataLimits& limits) {
  auto text = in.text(name);
  if (text && text->size() > limits.string_bytes) {
    const Inside inside(in.place(), name);
    in.set_error("this string is longer than " + std::to_string(limits.string_bytes) + " bytes",
                 Code::kLimit);
  }
  return text;
}

bool JsonFieldClassReader::take(std::size_t bytes, const JsonValue& value, JsonPlace& place) {
  if (!place.ok()) return false;
  if (!budget_.take(bytes)) {
    place.set_error(value,
                    "this metadata needs more than " + std::to_string(budget_.limit() >> 20) +
                        " MiB of memory for its size",
                    Code::kLimit);
    return false;
  }
  kept_bytes_ += bytes;
  return true;
}

template <class Kind>
JsonFieldClass JsonFieldClassReader::keep(JsonObject& in, Kind kind, JsonFieldClass result) {
  std::string attributes = take_json_attributes(in);
  in.finish();
  if (!take(sizeof(FieldClass) + kOverhead + attributes.size(), in.value(), in.place())) return {};
  if constexpr (requires { kind.roles; }) result.roles = kind.roles;
  if constexpr (kHasLocation<Kind>) result.has_locations = true;
  result.field_class =
      std::make_shared<const FieldClass>(FieldClass{std::move(kind), std::move(attributes)});
  return result;
}

void JsonFieldClassReader::nest(const JsonFieldClass& inner, JsonFieldClass& outer,
                                JsonObject& in) {
  outer.nesting = std::max(outer.nesting, inner.nesting + 1);
  outer.fields += inner.fields;  // each at most limits_.fields
  outer.roles.add(inner.roles);
  outer.has_locations = outer.has_locations || inner.has_locations;
  if (outer.nesting > limits_.nesting)
    in.set_error(
        "field classes are nested more than " + std::to_string(limits_.nesting) + " deep here",
        Code::kLimit);
  if (outer.fields > limits_.fields)
    in.set_error("this has more than " + std::to_string(limits_.fields) + " fields", Code::kLimit);
}

bool JsonFieldClassReader::add_alias(const std::string& name, JsonFieldClass field_class) {
  return aliases_.emplace(name, std::move(field_class)).second;
}

JsonFieldClass JsonFieldClassReader::read(const JsonValue& value, JsonPlace& place) {
  if (!place.ok()) return {};
  if (const auto* name = value.as<std::string>()) {
    const auto found = aliases_.find(*name);
    if (found != aliases_.end()) return found->second;
    place.set_error(value,
                    "there is no field class alias '" + name->substr(0, 64) + "' in front of this");
    return {};
  }
  return read_object(value, place);
}

JsonFieldClass JsonFieldClassReader::read_property(JsonObject& in, std::string_view name) {
  const JsonValue* value = in.must_find(name);
  if (value == nullptr) return {};
  const Inside inside(in.place(), name);
  return read(*value, in.place());
}

JsonFieldClass JsonFieldClassReader::read_object(const JsonValue& value, JsonPlace& place) {
  JsonObject in(value, place);
  if (place.ok() && in.must_find("type") == nullptr) return {};
  const auto type = in.choice("type", kTypeNames);
  if (!place.ok() || !type) return {};
  switch (static_cast<Type>(*type)) {
    case Type::kBitArray: return keep(in, BitArray{read_layout(in)});
    case Type::kBitMap: return read_bit_map(in);
    case Type::kBoolean: return keep(in, Boolean{read_layout(in)});
    case Type::kUnsigned: return read_integer(in, Integer{.layout = read_layout(in)});
    case Type::kSigned:
      return read_integer(in, Integer{.layout = read_layout(in), .is_signed = true});
    case Type::kFloat: return read_float(in);
    case Type::kVariableUnsigned: return read_integer(in, VariableInteger{});
    case Type::kVariableSigned: return read_integer(in, VariableInteger{.is_signed = true});
    case Type::kNullTerminatedString: return keep(in, NullTerminatedString{read_encoding(in)});
    case Type::kStaticString: {
      const std::uint64_t length = read_length(in);
      return keep(in, StaticString{length, read_encoding(in)});
    }
    case Type::kDynamicString: {
      FieldLocation length = read_location(in, "length-field-location");
      return keep(in, DynamicString{std::move(length), read_encoding(in)});
    }
    case Type::kStaticBlob: {
      StaticBlob blob{read_length(in), read_media_type(in), read_roles(in, true)};
      if (!blob.roles.empty() && blob.length_bytes != sizeof(Uuid))
        in.set_error("the UUID of the metadata stream has 16 bytes");
      return keep(in, std::move(blob));
    }
    case Type::kDynamicBlob: {
      FieldLocation length = read_location(in, "length-field-location");
      return keep(in, DynamicBlob{std::move(length), read_media_type(in)});
    }
    case Type::kStaticArray: return read_array(in, StaticArray{.length = read_length(in)});
    case Type::kDynamicArray:
      return read_array(in, DynamicArray{.length = read_location(in, "length-field-location")});
    case Type::kStructure: return read_structure(in);
    case Type::kOptional: return read_optional(in);
    case Type::kVariant: return read_variant(in);
  }
  return {};
}

std::uint32_t JsonFieldClassReader::read_alignment(JsonObject& in, std::string_view name) {
  const std::uint64_t bits = in.number(name).value_or(1);
  if (std::has_single_bit(bits) && bits <= limits_.alignment_bits)
    return static_cast<std::uint32_t>(bits);
  const Inside inside(in.place(), name);
  if (std::has_single_bit(bits)) {
    in.set_error(
        "alignments above " + std::to_string(limits_.alignment_bits) + " bits are not supported",
        Code::kLimit);
  } else {
    in.set_error("an alignment is a power of two");
  }
  return 1;
}

BitLayout JsonFieldClassReader::read_layout(JsonObject& in) {
  constexpr std::array kByteOrders{"little-endian", "big-endian"};
  constexpr std::array kBitOrders{"first-to-last", "last-to-first"};
  BitLayout layout;
  in.must_find("length");
  const std::uint64_t length = in.number("length").value_or(1);
  if (length == 0) in.set_error("'length' is 1 bit or more");
  if (length > std::numeric_limits<std::uint32_t>::max())
    in.set_error("fields of 2^32 bits or more are not supported", Code::kLimit);
  layout.length_bits = static_cast<std::uint32_t>(length);
  in.must_find("byte-order");
  layout.byte_order =
      in.choice("byte-order", kByteOrders).value_or(0) == 0 ? ByteOrder::kLittle : ByteOrder::kBig;
  if (const auto order = in.choice("bit-order", kBitOrders))
    layout.bit_order = *order == 0 ? BitOrder::kFirstToLast : BitOrder::kLastToFirst;
  layout.alignment_bits = read_alignment(in, "alignment");
  return layout;
}

std::uint64_t JsonFieldClassReader::read_length(JsonObject& in) {
  in.must_find("length");
  const std::uint64_t length = in.number("length").value_or(0);
  if (length > limits_.static_length)
    in.set_error("'length' is above " + std::to_string(limits_.static_length), Code::kLimit);
  return length;
}

JsonFieldClass JsonFieldClassReader::read_bit_map(JsonObject& in) {
  BitMap bits{.layout = read_layout(in)};
  if (const JsonValue* flags = in.must_find("flags")) {
    const Inside inside(in.place(), "flags");
    bits.flags = read_mappings(*flags, false, in.place());
    if (bits.flags.empty()) in.set_error("a bit map needs a flag");
  }
  return keep(in, std::move(bits));
}

JsonFieldClass JsonFieldClassReader::read_float(JsonObject& in) {
  const BitLayout layout = read_layout(in);
  const std::uint32_t bits = layout.length_bits;
  if (bits != 16 && bits != 32 && bits != 64 && (bits < 128 || bits % 32 != 0))
    in.set_error("floating-point numbers have 16, 32, 64, 128 bits or a larger multiple of 32");
  return keep(in, Float{layout});
}

template <class AnyInteger>
JsonFieldClass JsonFieldClassReader::read_integer(JsonObject& in, AnyInteger integer) {
  integer.base = read_base(in);
  if (const JsonValue* mappings = in.find("mappings")) {
    const Inside inside(in.place(), "mappings");
    integer.mappings = read_mappings(*mappings, integer.is_signed, in.place());
  }
  if (!integer.is_signed) integer.roles = read_roles(in, false);
  return keep(in, std::move(integer));
}

std::vector<Mapping> JsonFieldClassReader::read_mappings(const JsonValue& value, bool is_signed,
                                                         JsonPlace& place) {
  std::vector<Mapping> mappings;
  const auto members = json_members(value, place);
  if (!take(members.size() * (sizeof(Mapping) + kOverhead), value, place)) return {};
  mappings.reserve(members.size());
  for (const auto& [name, ranges] : members) {
    const Inside inside(place, name);
    if (!take(name.size(), ranges, place)) break;
    mappings.push_back({name, read_ranges(ranges, is_signed, place)});
  }
  return mappings;
}

std::vector<IntegerRange> JsonFieldClassReader::read_ranges(const JsonValue& value, bool is_signed,
                                                            JsonPlace& place) {
  std::vector<IntegerRange> ranges;
  const auto elements = json_elements(value, place);
  if (elements.empty()) place.set_error(value, "expected a range: [[1, 3]]");
  if (!take(elements.size() * sizeof(IntegerRange), value, place)) return {};
  ranges.reserve(elements.size());
  std::size_t index = 0;
  for (const JsonValue& element : elements) {
    const Inside inside(place, index++);
    const auto bounds = json_elements(element, place);
    if (bounds.size() != 2) place.set_error(element, "a range has two bounds: [1, 3]");
    if (!place.ok()) break;
    const Bound lower = read_bound(bounds[0], is_signed, place);
    const Bound upper = read_bound(bounds[1], is_signed, place);
    const bool is_ordered = lower.side != upper.side
                                ? lower.side < upper.side
                                : (is_signed ? static_cast<std::int64_t>(lower.bits) <=
                                                   static_cast<std::int64_t>(upper.bits)
                                             : lower.bits <= upper.bits);
    if (!is_ordered) place.set_error(element, "the lower bound of this range is above the upper");
    // What no integer of the class can be is not kept.
    if (upper.side == Bound::Side::kBelow || lower.side == Bound::Side::kAbove) continue;
    ranges.push_back({lower.bits, upper.bits});
  }
  return ranges;
}

FieldLocation JsonFieldClassReader::read_location(JsonObject& in, std::string_view name) {
  FieldLocation location;
  const JsonValue* value = in.must_find(name);
  if (value == nullptr) return location;
  JsonPlace& place = in.place();
  const Inside inside(place, name);
  JsonObject object(*value, place);
  if (const auto origin = object.choice("origin", kScopeNames))
    location.origin = static_cast<Scope>(*origin);
  if (const JsonValue* path = object.must_find("path")) {
    const Inside inside_path(place, "path");
    const auto elements = json_elements(*path, place);
    if (!take(elements.size() * sizeof(location.path.front()), *path, place)) return location;
    location.path.reserve(elements.size());
    for (const JsonValue& element : elements) {
      const Inside inside_element(place, location.path.size());
      if (element.as<std::nullptr_t>() != nullptr) {
        location.path.emplace_back();
        continue;
      }
      const std::string& step = json_string(element, place);
      if (!take(step.size(), element, place)) return location;
      location.path.emplace_back(step);
    }
    if (location.path.empty() || !location.path.back())
      place.set_error(*path, "a path ends with the name of a structure member");
  }
  object.finish();
  return location;
}

template <class Array>
JsonFieldClass JsonFieldClassReader::read_array(JsonObject& in, Array array) {
  array.minimum_alignment_bits = read_alignment(in, "minimum-alignment");
  const JsonFieldClass element = read_property(in, "element-field-class");
  JsonFieldClass result;
  nest(element, result, in);
  array.element = element.field_class;
  return keep(in, std::move(array), result);
}

JsonFieldClass JsonFieldClassReader::read_structure(JsonObject& in) {
  Structure structure{.minimum_alignment_bits = read_alignment(in, "minimum-alignment")};
  JsonFieldClass result;
  if (const JsonValue* members = in.find("member-classes")) {
    JsonPlace& place = in.place();
    const Inside inside(place, "member-classes");
    const auto elements = json_elements(*members, place);
    if (!take(elements.size() * (sizeof(Member) + kOverhead), *members, place)) return {};
    structure.members.reserve(elements.size());
    std::unordered_set<std::string_view> names;
    for (const JsonValue& element : elements) {
      if (!place.ok()) break;
      const Inside inside_member(place, structure.members.size());
      JsonObject member(element, place);
      if (member.must_find("name") == nullptr) break;
      std::string name = take_json_name(member, "name", limits_).value_or("");
      const JsonFieldClass field_class = read_property(member, "field-class");
      nest(field_class, result, member);
      static_cast<void>(take_json_attributes(member));
      member.finish();
      if (!take(name.size(), element, place)) break;
      structure.members.push_back({std::move(name), field_class.field_class});
      if (!names.insert(structure.members.back().name).second)
        member.set_error("a second member '" + structure.members.back().name.substr(0, 64) +
                         "' of this structure");
    }
  }
  return keep(in, std::move(structure), result);
}

JsonFieldClass JsonFieldClassReader::read_optional(JsonObject& in) {
  Optional optional{.selector = read_location(in, "selector-field-location")};
  if (const JsonValue* ranges = in.find("selector-field-ranges")) {
    const Inside inside(in.place(), "selector-field-ranges");
    optional.selector_is_signed = has_negative_bound(*ranges);
    optional.ranges = read_ranges(*ranges, optional.selector_is_signed, in.place());
  }
  const JsonFieldClass inner = read_property(in, "field-class");
  JsonFieldClass result;
  nest(inner, result, in);
  optional.field_class = inner.field_class;
  return keep(in, std::move(optional), result);
}

JsonFieldClass JsonFieldClassReader::read_variant(JsonObject& in) {
  Variant variant{.selector = read_location(in, "selector-field-location")};
  JsonFieldClass result;
  JsonPlace& place = in.place();
  const JsonValue* options = in.must_find("options");
  if (options == nullptr) return {};
  {
    const Inside inside(place, "options");
    const auto elements = json_elements(*options, place);
    if (elements.empty()) place.set_error(*options, "a variant needs an option");
    if (!take(elements.size() * (sizeof(VariantOption) + kOverhead), *options, place)) return {};
    variant.options.reserve(elements.size());
    variant.selector_is_signed =
        std::any_of(elements.begin(), elements.end(), [](const JsonValue& element) {
          const auto* members = element.as<JsonValue::Object>();
          return members != nullptr &&
                 std::any_of(members->begin(), members->end(), [](const JsonMember& member) {
                   return member.name == "selector-field-ranges" &&
                          has_negative_bound(member.value);
                 });
        });
    std::unordered_set<std::string_view> names;
    for (const JsonValue& element : elements) {
      if (!place.ok()) break;
      const Inside inside_option(place, variant.options.size());
      JsonObject in_option(element, place);
      VariantOption option;
      const auto name = take_json_name(in_option, "name", limits_);
      option.name = name.value_or("");
      if (const JsonValue* ranges = in_option.must_find("selector-field-ranges")) {
        const Inside inside_ranges(place, "selector-field-ranges");
        option.ranges = read_ranges(*ranges, variant.selector_is_signed, place);
      }
      const JsonFieldClass inner = read_property(in_option, "field-class");
      nest(inner, result, in_option);
      option.field_class = inner.field_class;
      static_cast<void>(take_json_attributes(in_option));
      in_option.finish();
      if (!take(option.name.size(), element, place)) break;
      variant.options.push_back(std::move(option));
      if (name && !names.insert(variant.options.back().name).second)
        in_option.set_error("a second option '" + name->substr(0, 64) + "' of this variant");
    }
    check_options(variant, *options, place);
  }
  return keep(in, std::move(variant), result);
}

}  // namespace sillage::ctf
