// SPDX-License-Identifier: MIT
// Floating-point numbers as digits, as printf's "%g" has them.
#pragma once

#include "ctf/digits.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace sillage::ctf {

/// Longest text of "%g": "-1.79769e+308".
inline constexpr std::size_t kRealDigits = 16;

namespace detail {
/// Powers of ten that a double holds exactly: products and quotients by them are rounded once.
inline constexpr int kExactTens = 22;
inline constexpr auto kTens = [] {
  std::array<double, kExactTens + 1> tens{1.0};
  for (std::size_t i = 1; i < tens.size(); ++i) tens[i] = tens[i - 1] * 10;
  return tens;
}();

// `number` * 10^`power`.
inline double scaled(double number, int power) {
  return power >= 0 ? number * kTens[static_cast<std::size_t>(power)]
                    : number / kTens[static_cast<std::size_t>(-power)];
}

// Six digits and a decimal exponent, the first digit not 0; false if rounding them needs more bits
// than a double has.
inline bool six_digits(double number, std::uint32_t* digits, int* exponent) {
  // log10(2) is 0.30103: from below, at most one less than the exponent.
  int power = static_cast<int>(std::floor(std::ilogb(number) * 0.30103));
  if (power < 6 - kExactTens || power > 5 + kExactTens - 1) return false;
  double value = scaled(number, 5 - power);
  if (value >= 1e6) value = scaled(number, 5 - ++power);
  const auto whole = static_cast<std::uint32_t>(value);
  const double rest = value - whole;
  // The error of `value` is below 1e6 * 2^-53: nearer to a half than that it decides nothing.
  if (value < 1e5 || std::abs(rest - 0.5) < 1e-9) return false;
  *digits = whole + (rest > 0.5 ? 1 : 0);
  *exponent = power;
  if (*digits == 1'000'000) {
    *digits = 100'000;
    ++*exponent;
  }
  return true;
}
}  // namespace detail

/// A finite number as printf's "%g"; up to kDigitSlack bytes may be written.
///
/// Cost: some 10 ns for numbers from 10^-16 to 10^26, more for others and for those whose seventh
///       digit is a 5 with nothing behind it.
inline char* put_real(char* out, double number) {
  std::uint32_t digits = 0;
  int exponent = 0;
  if (std::signbit(number)) *out++ = '-';
  number = std::abs(number);
  if (number == 0) {
    *out = '0';
    return out + 1;
  }
  if (!detail::six_digits(number, &digits, &exponent)) {
    return std::to_chars(out, out + kRealDigits, number, std::chars_format::general, 6).ptr;
  }
  // The first digit is the lowest byte; zeros at the end are not shown.
  const std::uint64_t characters = (eight_digits(digits) >> 16) | detail::kZeros;
  const std::uint64_t shown = eight_digits(digits) >> 16;
  const int count = 8 - __builtin_clzll(shown) / 8;
  if (exponent >= 0 && exponent < 6) {
    detail::store_characters(out, characters);
    if (count <= exponent + 1) return out + exponent + 1;
    out[exponent + 1] = '.';
    detail::store_characters(out + exponent + 2, characters >> 8 * (exponent + 1));
    return out + count + 1;
  }
  if (exponent < 0 && exponent >= -4) {
    std::memcpy(out, "0.000", 5);
    detail::store_characters(out + 1 - exponent, characters);
    return out + 1 - exponent + count;
  }
  detail::store_characters(out, characters);
  if (count > 1) {
    out[1] = '.';
    detail::store_characters(out + 2, characters >> 8);
    out += count + 1;
  } else {
    ++out;
  }
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  const auto size = static_cast<std::uint32_t>(exponent < 0 ? -exponent : exponent);
  *out++ = static_cast<char>('0' + size / 10);
  *out++ = static_cast<char>('0' + size % 10);
  return out;
}

}  // namespace sillage::ctf
