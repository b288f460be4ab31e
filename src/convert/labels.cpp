// SPDX-License-Identifier: MIT
#include "convert/labels.hpp"

#include <algorithm>
#include <vector>

namespace sillage::convert {

std::string labels_of(const ctf::FieldClass& field_class, std::uint64_t number, bool is_signed) {
  const std::vector<ctf::Mapping>* mappings = nullptr;
  if (const auto* integer = field_class.as<ctf::Integer>()) mappings = &integer->mappings;
  if (const auto* integer = field_class.as<ctf::VariableInteger>()) mappings = &integer->mappings;
  std::string text;
  if (mappings == nullptr) return text;
  // Bounds of signed ranges in the order of unsigned numbers.
  const std::uint64_t flip = is_signed ? std::uint64_t{1} << 63 : 0;
  for (const ctf::Mapping& mapping : *mappings) {
    const auto holds = [&](const ctf::IntegerRange& range) {
      return (number ^ flip) >= (range.lower ^ flip) && (number ^ flip) <= (range.upper ^ flip);
    };
    if (!std::any_of(mapping.ranges.begin(), mapping.ranges.end(), holds)) continue;
    if (!text.empty()) text += " | ";
    text += mapping.name;
  }
  return text;
}

ctf::Base base_of(const ctf::FieldClass& field_class) {
  if (const auto* integer = field_class.as<ctf::Integer>()) return integer->base;
  if (const auto* integer = field_class.as<ctf::VariableInteger>()) return integer->base;
  return ctf::Base::kDecimal;
}

std::string hexadecimal(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const char character : bytes) {
    const auto byte = static_cast<unsigned char>(character);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace sillage::convert
