// SPDX-License-Identifier: MIT
#include "report/details_number.hpp"

#include <charconv>
#include <cstddef>

namespace sillage::report {

std::string grouped(std::uint64_t number, ctf::Base base) {
  const bool is_hex = base == ctf::Base::kHexadecimal || base == ctf::Base::kBinary;
  const bool is_decimal = base == ctf::Base::kDecimal;
  char digits[24];
  const auto done =
      std::to_chars(digits, digits + sizeof digits, number, is_hex ? 16 : static_cast<int>(base));
  const auto count = static_cast<std::size_t>(done.ptr - digits);
  const std::size_t group = is_hex ? 4 : 3;
  std::string text = is_hex ? "0x" : is_decimal ? "" : "0";
  for (std::size_t i = 0; i < count; ++i) {
    // Four digits are easily read as they are.
    const bool is_grouped = !is_decimal || count > 4;
    if (i != 0 && is_grouped && (count - i) % group == 0) text += is_decimal ? ',' : ':';
    text += digits[i];
  }
  return text;
}

std::string grouped(std::int64_t number, ctf::Base base) {
  const auto bits = static_cast<std::uint64_t>(number);
  return number < 0 ? '-' + grouped(-bits, base) : grouped(bits, base);
}

}  // namespace sillage::report
