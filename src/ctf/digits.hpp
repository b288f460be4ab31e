// SPDX-License-Identifier: MIT
// Numbers as digits, several at a time: most of what a line of text is made of.
//
// Each function writes behind `out` and returns where the digits end; it may write up to kDigitSlack
// bytes further.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sillage::ctf {

/// Longest text of a number, and what is written behind a shorter one.
inline constexpr std::size_t kDigitSlack = 32;

/// The eight decimal digits of a number below 10^8, one to a byte, the first one lowest.
///
/// Divides all halves, quarters and eighths at a time by multiplying: n / 100 is n * 10486 >> 20 for
/// n below 10^4, and n / 10 is n * 103 >> 10 for n below 100.
inline std::uint64_t eight_digits(std::uint32_t number) {
  const std::uint64_t fours = number / 10000 | std::uint64_t{number % 10000} << 32;
  const std::uint64_t hundreds = (fours * 10486 >> 20) & 0x0000'007f'0000'007f;
  const std::uint64_t twos = hundreds | (fours - 100 * hundreds) << 16;
  const std::uint64_t tens = (twos * 103 >> 10) & 0x000f'000f'000f'000f;
  return tens | (twos - 10 * tens) << 8;
}

namespace detail {
inline constexpr std::uint64_t kZeros = 0x3030'3030'3030'3030;  // "00000000"

// The first character is the lowest byte.
inline void store_characters(char* out, std::uint64_t characters) {
  if constexpr (std::endian::native == std::endian::big) characters = __builtin_bswap64(characters);
  std::memcpy(out, &characters, sizeof characters);
}
}  // namespace detail

/// The eight digits of two numbers below 10^8 at the same time, as eight_digits() of each.
inline void two_eight_digits(const std::uint32_t (&numbers)[2], std::uint64_t (&digits)[2]) {
#if defined(__SSE2__)
  // As above, in lanes of 64 bits with one number each, then of 16 bits. n / 10000 is
  // n * 3518437209 >> 45 for all n below 2^32; the others are multiples of 2^-16 rounded up.
  const __m128i all = _mm_set_epi64x(numbers[1], numbers[0]);
  const __m128i high = _mm_srli_epi64(_mm_mul_epu32(all, _mm_set1_epi64x(3518437209)), 45);
  const __m128i low = _mm_sub_epi64(all, _mm_mul_epu32(high, _mm_set1_epi64x(10000)));
  const __m128i fours = _mm_or_si128(high, _mm_slli_epi64(low, 32));
  const __m128i hundreds = _mm_srli_epi16(_mm_mulhi_epu16(fours, _mm_set1_epi16(5243)), 3);
  const __m128i rest = _mm_sub_epi16(fours, _mm_mullo_epi16(hundreds, _mm_set1_epi16(100)));
  const __m128i twos = _mm_or_si128(hundreds, _mm_slli_epi32(rest, 16));
  const __m128i tens = _mm_mulhi_epu16(twos, _mm_set1_epi16(6554));
  const __m128i ones = _mm_sub_epi16(twos, _mm_mullo_epi16(tens, _mm_set1_epi16(10)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(&digits[0]),
                   _mm_or_si128(tens, _mm_slli_epi16(ones, 8)));
#else
  digits[0] = eight_digits(numbers[0]);
  digits[1] = eight_digits(numbers[1]);
#endif
}

/// Exactly eight digits, of a number below 10^8.
inline char* put_eight(char* out, std::uint32_t number) {
  detail::store_characters(out, eight_digits(number) | detail::kZeros);
  return out + 8;
}

/// Exactly nine digits, of a number below 10^9.
inline char* put_nine(char* out, std::uint32_t number) {
  *out = static_cast<char>('0' + number / 100'000'000);
  return put_eight(out + 1, number % 100'000'000);
}

/// Exactly nine digits of two numbers below 10^9, each to its place.
inline void put_two_nines(char* out, std::uint32_t number, char* other_out,
                          std::uint32_t other_number) {
  constexpr std::uint32_t kEight = 100'000'000;
  const std::uint32_t first = number / kEight, other_first = other_number / kEight;
  std::uint64_t digits[2];
  two_eight_digits({number - first * kEight, other_number - other_first * kEight}, digits);
  *out = static_cast<char>('0' + first);
  detail::store_characters(out + 1, digits[0] | detail::kZeros);
  *other_out = static_cast<char>('0' + other_first);
  detail::store_characters(other_out + 1, digits[1] | detail::kZeros);
}

namespace detail {
// For each highest bit: added to a number with that bit, gives the number of its digits in the upper half.
inline constexpr auto kDigitCounts = [] {
  std::array<std::uint64_t, 32> counts{};
  std::uint64_t ten = 10,
                digits = 1;  // the first number with one digit more, and its digits less that
  for (unsigned bit = 0; bit < counts.size(); ++bit) {
    const std::uint64_t lowest = std::uint64_t{1} << bit;
    if (lowest >= ten) {
      ten *= 10;
      ++digits;
    }
    // Numbers from `ten` on carry into the upper half.
    counts[bit] = 2 * lowest > ten ? ((digits + 1) << 32) - ten : digits << 32;
  }
  return counts;
}();

// A number below 10^8, as many digits as it takes. Their number does not wait for the digits.
inline char* put_up_to_eight(char* out, std::uint32_t number) {
  const auto count = static_cast<unsigned>(
      (number + kDigitCounts[static_cast<unsigned>(31 - __builtin_clz(number | 1))]) >> 32);
  store_characters(out, (eight_digits(number) | kZeros) >> 8 * (8 - count));
  return out + count;
}

// The rest of put_decimal(), out of line.
[[gnu::noinline]] inline char* put_long_decimal(char* out, std::uint64_t number) {
  constexpr std::uint64_t kEight = 100'000'000;
  std::uint64_t high = number / kEight;
  const std::uint64_t low = number - high * kEight;
  if (high >= kEight) [[unlikely]] {
    const std::uint64_t highest = high / kEight;
    out = put_up_to_eight(out, static_cast<std::uint32_t>(highest));
    high -= highest * kEight;
    out = put_eight(out, static_cast<std::uint32_t>(high));
  } else {
    out = put_up_to_eight(out, static_cast<std::uint32_t>(high));
  }
  return put_eight(out, static_cast<std::uint32_t>(low));
}

/// The text of a byte, and how long it is.
struct ByteDigits {
  char text[3];
  std::uint8_t size;
};
inline constexpr auto kByteDigits = [] {
  std::array<ByteDigits, 256> all{};
  for (unsigned i = 0; i < all.size(); ++i) {
    unsigned size = 0;
    for (unsigned ten = 100; ten != 0; ten /= 10) {
      if (i >= ten || ten == 1) all[i].text[size++] = static_cast<char>('0' + i / ten % 10);
    }
    all[i].size = static_cast<std::uint8_t>(size);
  }
  return all;
}();
}  // namespace detail

/// A byte as a decimal number.
inline char* put_byte(char* out, std::uint8_t number) {
  const detail::ByteDigits& digits = detail::kByteDigits[number];
  std::memcpy(out, &digits, sizeof digits);
  return out + digits.size;
}

/// A decimal number, as many digits as it takes.
inline char* put_decimal(char* out, std::uint64_t number) {
  if (number >= 100'000'000) [[unlikely]]
    return detail::put_long_decimal(out, number);
  return detail::put_up_to_eight(out, static_cast<std::uint32_t>(number));
}

inline char* put_signed_decimal(char* out, std::int64_t number) {
  if (number >= 0) return put_decimal(out, static_cast<std::uint64_t>(number));
  *out = '-';
  return put_decimal(out + 1, ~static_cast<std::uint64_t>(number) + 1);
}

/// The eight upper-case hexadecimal digits of a number as characters, the first one lowest.
inline std::uint64_t eight_hexadecimal(std::uint32_t number) {
  // Each nibble to a byte of its own.
  std::uint64_t x = __builtin_bswap32(number);
  x = (x | x << 16) & 0x0000'ffff'0000'ffff;
  x = (x | x << 8) & 0x00ff'00ff'00ff'00ff;
  x = (x >> 4 & 0x000f'000f'000f'000f) | (x & 0x000f'000f'000f'000f) << 8;
  const std::uint64_t is_letter = (x + 0x0606'0606'0606'0606) >> 4 & 0x0101'0101'0101'0101;
  return x + detail::kZeros + 7 * is_letter;
}

/// An upper-case hexadecimal number, as many digits as it takes.
inline char* put_hexadecimal(char* out, std::uint64_t number) {
  const auto high = static_cast<std::uint32_t>(number >> 32);
  const auto low = static_cast<std::uint32_t>(number);
  const auto put_first = [&out](std::uint32_t half) {
    const int zeros = __builtin_clz(half | 1) & ~3;
    detail::store_characters(out, eight_hexadecimal(half) >> 2 * zeros);
    out += 8 - zeros / 4;
  };
  if (high == 0) {
    put_first(low);
    return out;
  }
  put_first(high);
  detail::store_characters(out, eight_hexadecimal(low));
  return out + 8;
}

}  // namespace sillage::ctf
