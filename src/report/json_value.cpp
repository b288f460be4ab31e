// SPDX-License-Identifier: MIT
#include "report/json_value.hpp"

#include "ctf/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace sillage::report {
namespace {

using ctf::ValueKind;

constexpr std::string_view kHex = "0123456789abcdef";

// Printable ASCII that stands for itself: no escape, no question whether it is UTF-8.
constexpr auto kIsPlain = [] {
  std::array<bool, 256> plain{};
  for (unsigned i = 0x20; i < 0x7f; ++i) plain[i] = i != '"' && i != '\\';
  return plain;
}();

template <class Number>
void append_digits(Number number, std::string* out) {
  char digits[32];
  const auto done = std::to_chars(digits, digits + sizeof digits, number);
  out->append(digits, static_cast<std::size_t>(done.ptr - digits));
}

void append_escaped(std::string_view text, std::string* out) {
  for (const char character : text) {
    const auto byte = static_cast<std::uint8_t>(character);
    switch (character) {
      case '"': *out += "\\\""; break;
      case '\\': *out += "\\\\"; break;
      case '\b': *out += "\\b"; break;
      case '\f': *out += "\\f"; break;
      case '\n': *out += "\\n"; break;
      case '\r': *out += "\\r"; break;
      case '\t': *out += "\\t"; break;
      default:
        if (byte >= 0x20 && byte != 0x7f) {
          *out += character;
        } else {
          out->append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
        }
    }
  }
}

bool holds(const ctf::IntegerRange& range, std::uint64_t number, bool is_signed) {
  if (!is_signed) return number >= range.lower && number <= range.upper;
  const auto value = static_cast<std::int64_t>(number);
  return value >= static_cast<std::int64_t>(range.lower) &&
         value <= static_cast<std::int64_t>(range.upper);
}

bool has_bit(const ctf::IntegerRange& range, std::uint64_t bits) {
  for (std::uint64_t bit = range.lower; bit <= std::min<std::uint64_t>(range.upper, 63); ++bit) {
    if ((bits >> bit & 1) != 0) return true;
  }
  return false;
}

// Labels of an enumeration, flags of a bit map; nullptr if the class has none.
const std::vector<ctf::Mapping>* mappings_of(const ctf::FieldClass& field_class) {
  const std::vector<ctf::Mapping>* mappings = nullptr;
  if (const auto* integer = field_class.as<ctf::Integer>()) mappings = &integer->mappings;
  if (const auto* integer = field_class.as<ctf::VariableInteger>()) mappings = &integer->mappings;
  if (const auto* map = field_class.as<ctf::BitMap>()) return &map->flags;
  return mappings != nullptr && mappings->empty() ? nullptr : mappings;
}

void append_integer(const ctf::FieldClass& field_class, const ctf::Value& value, std::string* out) {
  const auto* mappings = mappings_of(field_class);
  if (mappings != nullptr) *out += "{\"value\":";
  if (value.kind == ValueKind::kSigned) {
    append_number(static_cast<std::int64_t>(value.number), out);
  } else {
    append_number(value.number, out);
  }
  if (mappings == nullptr) return;
  *out += ",\"labels\":[";
  bool is_first = true;
  for (const ctf::Mapping& mapping : *mappings) {
    const bool is_it = std::ranges::any_of(mapping.ranges, [&](const ctf::IntegerRange& range) {
      return value.kind == ValueKind::kBits
                 ? has_bit(range, value.number)
                 : holds(range, value.number, value.kind == ValueKind::kSigned);
    });
    if (!is_it) continue;
    if (!is_first) *out += ',';
    is_first = false;
    append_json(mapping.name, out);
  }
  *out += "]}";
}

const ctf::Value* append_structure(const ctf::Plan& plan, const ctf::Value* value,
                                   std::string* out) {
  const ctf::Value* const end = value + value->extent;
  *out += '{';
  bool is_first = true;
  for (const ctf::Value* member = value + 1; member != end;) {
    const ctf::Field& field = plan.fields()[member->field];
    if (field.is_hidden) {
      member += member->extent;
      continue;
    }
    if (!is_first) *out += ',';
    is_first = false;
    append_json(field.name, out);
    *out += ':';
    member = append_json(plan, member, out);
  }
  *out += '}';
  return end;
}

}  // namespace

void append_number(std::int64_t number, std::string* out) { append_digits(number, out); }
void append_number(std::uint64_t number, std::string* out) { append_digits(number, out); }
void append_number(double number, std::string* out) { append_digits(number, out); }

void append_json(std::string_view text, std::string* out) {
  *out += '"';
  const auto odd = std::ranges::find_if(
      text, [](char character) { return !kIsPlain[static_cast<std::uint8_t>(character)]; });
  if (odd == text.end()) {
    *out += text;
  } else {
    append_escaped(ctf::valid_utf8(text), out);
  }
  *out += '"';
}

const ctf::Value* append_json(const ctf::Plan& plan, const ctf::Value* value, std::string* out) {
  const ctf::Value* const end = value + value->extent;
  const ctf::Field& field = plan.fields()[value->field];
  switch (value->kind) {
    case ValueKind::kUnsigned:
    case ValueKind::kSigned:
    case ValueKind::kBits: append_integer(*field.field_class, *value, out); break;
    case ValueKind::kBoolean: *out += value->number != 0 ? "true" : "false"; break;
    case ValueKind::kFloat32:
      if (std::isfinite(value->real)) {
        append_digits(static_cast<float>(value->real), out);
        break;
      }
      [[fallthrough]];
    case ValueKind::kFloat64:
      if (std::isfinite(value->real)) {
        append_number(value->real, out);
      } else {
        *out += std::isnan(value->real) ? "\"NaN\""
                : value->real > 0       ? "\"Infinity\""
                                        : "\"-Infinity\"";
      }
      break;
    case ValueKind::kText: {
      const std::string_view text = value->text();
      append_json(text.substr(0, text.find('\0')), out);
      break;
    }
    case ValueKind::kBlob:
      *out += '"';
      for (const char character : value->text()) {
        const auto byte = static_cast<std::uint8_t>(character);
        out->append(1, kHex[byte >> 4]).append(1, kHex[byte & 15]);
      }
      *out += '"';
      break;
    case ValueKind::kArray: {
      *out += '[';
      for (const ctf::Value* element = value + 1; element != end;) {
        if (element != value + 1) *out += ',';
        element = append_json(plan, element, out);
      }
      *out += ']';
      break;
    }
    case ValueKind::kStructure: return append_structure(plan, value, out);
    case ValueKind::kOptional:
      if (value + 1 == end) {
        *out += "null";
      } else {
        append_json(plan, value + 1, out);
      }
      break;
    case ValueKind::kVariant:
      if (value + 1 == end) {
        *out += "null";
        break;
      }
      *out += '{';
      append_json(plan.fields()[value[1].field].name, out);
      *out += ':';
      append_json(plan, value + 1, out);
      *out += '}';
      break;
  }
  return end;
}

}  // namespace sillage::report
