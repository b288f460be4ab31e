// SPDX-License-Identifier: MIT
// The part of TsdlParser that reads integers, floating-point numbers and strings.
#include "ctf/tsdl_parser.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace sillage::ctf {

namespace {

using Kind = TsdlAttribute::Kind;

bool is_word(const TsdlAttribute& attribute) {
  return attribute.kind == Kind::kText || attribute.kind == Kind::kPath;
}

bool is_one_of(const std::string& text, std::initializer_list<std::string_view> values) {
  return std::find(values.begin(), values.end(), text) != values.end();
}

/// The first attribute whose name an earlier one has, of those that mean something, or null.
const TsdlAttribute* find_repeated(const std::vector<TsdlAttribute>& attributes,
                                   std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    const TsdlAttribute* first = nullptr;
    for (const TsdlAttribute& attribute : attributes) {
      if (attribute.name != name) continue;
      if (first != nullptr) return &attribute;
      first = &attribute;
    }
  }
  return nullptr;
}

/// A layout of TSDL, which has no bit order, as a number below 2^48.
std::uint64_t packed(const BitLayout& layout) {
  return std::uint64_t{layout.alignment_bits} << 16 | std::uint64_t{layout.length_bits} << 1 |
         (layout.byte_order == ByteOrder::kBig ? 1 : 0);
}

std::uint32_t default_alignment(std::uint64_t size_bits) { return size_bits % 8 == 0 ? 8 : 1; }

}  // namespace

TsdlTypeRef TsdlParser::integer_type() {
  const std::size_t offset = current_.offset;
  advance();
  const std::vector<TsdlAttribute> list = attributes();
  if (const auto* again =
          find_repeated(list, {"signed", "byte_order", "size", "align", "base", "encoding", "map"}))
    corrupt(again->offset, "attribute '" + again->name + "' is here twice");
  TsdlInteger type;
  Integer integer;
  BitLayout& layout = integer.layout;
  layout = {.length_bits = 0, .alignment_bits = 0, .byte_order = environment_.byte_order};
  for (const TsdlAttribute& item : list) {
    if (!ok()) break;
    if (item.name == "signed") {
      integer.is_signed = boolean(item);
    } else if (item.name == "byte_order") {
      layout.byte_order = byte_order(item);
    } else if (item.name == "size") {
      if (item.kind != Kind::kInteger || item.number < 1 || item.number > 64)
        corrupt(item.value_offset, "the size of an integer is 1 to 64 bits");
      else
        layout.length_bits = static_cast<std::uint32_t>(item.number);
    } else if (item.name == "align") {
      layout.alignment_bits = alignment(item);
    } else if (item.name == "base") {
      integer.base = base(item);
    } else if (item.name == "encoding") {
      type.is_text = encoding(item);
    } else if (item.name == "map") {
      type.clock = mapped_clock(item);
    }  // others mean nothing to us, as to babeltrace2
  }
  if (ok() && layout.length_bits == 0) corrupt(offset, "an integer needs its size in bits");
  if (layout.alignment_bits == 0) layout.alignment_bits = default_alignment(layout.length_bits);
  type.field_class = shared(integer);
  return make({type}, offset);
}

TsdlTypeRef TsdlParser::floating_point_type() {
  const std::size_t offset = current_.offset;
  advance();
  const std::vector<TsdlAttribute> list = attributes();
  if (const auto* again = find_repeated(list, {"byte_order", "exp_dig", "mant_dig", "align"}))
    corrupt(again->offset, "attribute '" + again->name + "' is here twice");
  Float type;
  type.layout = {.length_bits = 0, .alignment_bits = 8, .byte_order = environment_.byte_order};
  std::uint64_t exponent = 0, mantissa = 0;
  for (const TsdlAttribute& item : list) {
    if (!ok()) break;
    if (item.name == "byte_order") {
      type.layout.byte_order = byte_order(item);
    } else if (item.name == "align") {
      type.layout.alignment_bits = alignment(item);
    } else if (item.name == "exp_dig" || item.name == "mant_dig") {
      if (item.kind != Kind::kInteger) corrupt(item.value_offset, "expected a number of bits");
      (item.name == "exp_dig" ? exponent : mantissa) = item.number;
    }
  }
  if (exponent == 5 && mantissa == 11) type.layout.length_bits = 16;
  if (exponent == 8 && mantissa == 24) type.layout.length_bits = 32;
  if (exponent == 11 && mantissa == 53) type.layout.length_bits = 64;
  if (exponent == 15 && mantissa == 113) type.layout.length_bits = 128;
  if (ok() && type.layout.length_bits == 0)
    corrupt(offset,
            "a floating-point number has exp_dig and mant_dig of IEEE 754: 5 and 11, "
            "8 and 24, 11 and 53, or 15 and 113");
  return make({TsdlLeaf{shared(type)}}, offset);
}

TsdlTypeRef TsdlParser::string_type() {
  const std::size_t offset = current_.offset;
  advance();
  if (current_.is("{")) {
    for (const TsdlAttribute& item : attributes()) {
      if (ok() && item.name == "encoding") static_cast<void>(encoding(item));
    }
  }
  return make({TsdlLeaf{string_}}, offset);
}

FieldClassRef TsdlParser::shared(const Integer& integer) {
  if (!integer.mappings.empty()) return make_field_class(integer);
  FieldClassRef& place =
      shared_[packed(integer.layout) << 8 | std::uint64_t{integer.is_signed} << 7 |
              static_cast<std::uint64_t>(integer.base)];
  if (!place) place = make_field_class(integer);
  return place;
}

FieldClassRef TsdlParser::shared(const Float& number) {
  FieldClassRef& place = shared_[packed(number.layout) << 8];  // no integer has base 0
  if (!place) place = make_field_class(number);
  return place;
}

bool TsdlParser::boolean(const TsdlAttribute& attribute) {
  if (attribute.kind == Kind::kInteger || attribute.kind == Kind::kNegativeInteger)
    return attribute.number != 0;
  if (is_word(attribute) && is_one_of(attribute.text, {"true", "TRUE"})) return true;
  if (!is_word(attribute) || !is_one_of(attribute.text, {"false", "FALSE"}))
    corrupt(attribute.value_offset, "'" + attribute.name + "' is true or false");
  return false;
}

ByteOrder TsdlParser::byte_order(const TsdlAttribute& attribute) {
  if (is_word(attribute)) {
    if (is_one_of(attribute.text, {"be", "network"})) return ByteOrder::kBig;
    if (attribute.text == "le") return ByteOrder::kLittle;
    if (attribute.text == "native") return environment_.byte_order;
  }
  corrupt(attribute.value_offset, "'byte_order' is be, le, network or native");
  return ByteOrder::kLittle;
}

std::uint32_t TsdlParser::alignment(const TsdlAttribute& attribute) {
  const std::uint64_t bits = attribute.kind == Kind::kInteger ? attribute.number : 0;
  if (bits == 0 || (bits & (bits - 1)) != 0) {
    corrupt(attribute.value_offset, "an alignment is a power of two, in bits");
    return 1;
  }
  if (bits > limits_.alignment_bits) {
    set_error(
        Code::kLimit, attribute.value_offset,
        "alignments above " + std::to_string(limits_.alignment_bits) + " bits are not supported");
    return 1;
  }
  return static_cast<std::uint32_t>(bits);
}

Base TsdlParser::base(const TsdlAttribute& attribute) {
  if (attribute.kind == Kind::kInteger) {
    switch (attribute.number) {
      case 2: return Base::kBinary;
      case 8: return Base::kOctal;
      case 10: return Base::kDecimal;
      case 16: return Base::kHexadecimal;
      default: break;
    }
  } else if (is_word(attribute)) {
    const std::string& text = attribute.text;
    if (is_one_of(text, {"decimal", "dec", "d", "i", "u"})) return Base::kDecimal;
    if (is_one_of(text, {"hexadecimal", "hex", "x", "X", "p"})) return Base::kHexadecimal;
    if (is_one_of(text, {"octal", "oct", "o"})) return Base::kOctal;
    if (is_one_of(text, {"binary", "b"})) return Base::kBinary;
  }
  corrupt(attribute.value_offset, "'base' is 2, 8, 10, 16, or one of their names");
  return Base::kDecimal;
}

bool TsdlParser::encoding(const TsdlAttribute& attribute) {
  if (is_word(attribute)) {
    if (attribute.text == "none") return false;
    if (is_one_of(attribute.text, {"UTF8", "utf8", "utf-8", "UTF-8", "ASCII", "ascii"}))
      return true;
  }
  corrupt(attribute.value_offset, "'encoding' is none, UTF8 or ASCII");
  return false;
}

std::optional<std::size_t> TsdlParser::mapped_clock(const TsdlAttribute& attribute) {
  constexpr std::string_view kBefore = "clock.", kBehind = ".value";
  const std::string_view text = attribute.text;
  const bool names_clock = attribute.kind == Kind::kPath &&
                           text.size() > kBefore.size() + kBehind.size() &&
                           text.substr(0, kBefore.size()) == kBefore &&
                           text.substr(text.size() - kBehind.size()) == kBehind;
  // What else there is to map to, nobody knows; babeltrace2 goes on, too.
  if (!names_clock) return std::nullopt;
  const std::string name(
      text.substr(kBefore.size(), text.size() - kBefore.size() - kBehind.size()));
  const auto found = environment_.clocks.find(name);
  if (found == environment_.clocks.end()) {
    corrupt(attribute.value_offset, "there is no clock '" + name + "'");
    return std::nullopt;
  }
  return found->second;
}

}  // namespace sillage::ctf
