// SPDX-License-Identifier: MIT
// Bits of a packet into numbers: what the interpreter and the fast paths have in common.
#pragma once

#include "ctf/decode_plan.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

namespace sillage::ctf {

inline constexpr std::uint64_t kByte = 8;

constexpr std::uint64_t round_up(std::uint64_t bits, std::uint64_t alignment) {
  return (bits + alignment - 1) & ~(alignment - 1);
}

/// The integer at `from`, in the machine's byte order.
template <class T>
std::uint64_t load(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

inline std::uint64_t swap16(std::uint64_t value) {
  return __builtin_bswap16(static_cast<std::uint16_t>(value));
}
inline std::uint64_t swap32(std::uint64_t value) {
  return __builtin_bswap32(static_cast<std::uint32_t>(value));
}
inline std::uint64_t swap64(std::uint64_t value) { return __builtin_bswap64(value); }

inline constexpr bool kIsLittleHost = std::endian::native == std::endian::little;

constexpr std::uint64_t low_bits(unsigned count) {
  return count >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// Bit i of the value is bit (i + `bit`) of the bytes, counted from each byte's lowest.
inline std::uint64_t load_little(const std::uint8_t* data, std::uint64_t bit, unsigned length) {
  const std::uint8_t* from = data + bit / kByte;
  const unsigned shift = bit % kByte;
  const unsigned bytes = (shift + length + 7) / 8;
  std::uint64_t value = 0;
  for (unsigned i = 0; i < std::min(bytes, 8u); ++i) value |= std::uint64_t{from[i]} << (8 * i);
  value >>= shift;
  if (bytes == 9) value |= std::uint64_t{from[8]} << (64 - shift);
  return value & low_bits(length);
}

// The value's highest bit is the first, counted from each byte's highest.
inline std::uint64_t load_big(const std::uint8_t* data, std::uint64_t bit, unsigned length) {
  const std::uint8_t* from = data + bit / kByte;
  const unsigned shift = bit % kByte;
  const unsigned bytes = (shift + length + 7) / 8;
  const unsigned behind = bytes * 8 - shift - length;
  if (bytes <= 8) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value = value << 8 | from[i];
    return (value >> behind) & low_bits(length);
  }
  std::uint64_t value = 0;
  for (unsigned i = 0; i < 8; ++i) value = value << 8 | from[i];
  return ((value << (8 - behind)) | (from[8] >> behind)) & low_bits(length);
}

/// The `length` bits from `bit` of the packet on. Floats and integers alike.
inline std::uint64_t load_bits(Load how, const std::uint8_t* data, std::uint64_t bit,
                               unsigned length) {
  const std::uint8_t* from = data + bit / kByte;
  switch (how) {
    case Load::kByte: return *from;
    case Load::kLittle16:
      return kIsLittleHost ? load<std::uint16_t>(from) : swap16(load<std::uint16_t>(from));
    case Load::kLittle32:
      return kIsLittleHost ? load<std::uint32_t>(from) : swap32(load<std::uint32_t>(from));
    case Load::kLittle64:
      return kIsLittleHost ? load<std::uint64_t>(from) : swap64(load<std::uint64_t>(from));
    case Load::kBig16:
      return kIsLittleHost ? swap16(load<std::uint16_t>(from)) : load<std::uint16_t>(from);
    case Load::kBig32:
      return kIsLittleHost ? swap32(load<std::uint32_t>(from)) : load<std::uint32_t>(from);
    case Load::kBig64:
      return kIsLittleHost ? swap64(load<std::uint64_t>(from)) : load<std::uint64_t>(from);
    case Load::kLittleBits: return load_little(data, bit, length);
    case Load::kBigBits: break;
  }
  return load_big(data, bit, length);
}

inline std::uint64_t reverse_bits(std::uint64_t value, unsigned length) {
  std::uint64_t reversed = 0;
  for (unsigned i = 0; i < length; ++i) reversed |= (value >> i & 1) << (length - 1 - i);
  return reversed;
}

inline std::uint64_t sign_extend(std::uint64_t value, unsigned length) {
  const unsigned above = 64 - length;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value << above) >> above);
}

// Source: IEEE 754-2019 section 3.4, binary16: 1 bit of sign, 5 of exponent (bias 15), 10 of fraction.
inline double from_binary16(std::uint64_t bits) {
  const auto exponent = static_cast<int>(bits >> 10 & 0x1f);
  const auto fraction = static_cast<double>(bits & 0x3ff);
  double value = 0;
  if (exponent == 0x1f) {
    value = fraction == 0 ? std::numeric_limits<double>::infinity()
                          : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(fraction, -24);
  } else {
    value = std::ldexp(fraction + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

inline double real_of(std::uint64_t bits, unsigned length) {
  switch (length) {
    case 16: return from_binary16(bits);
    case 32: return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
    default: return std::bit_cast<double>(bits);
  }
}

/// The bits of a scalar as its value: sign-extended, 0 or 1; floats stay as they are.
inline std::uint64_t integer_of(const Op& op, std::uint64_t bits) {
  if (op.is_reversed) bits = reverse_bits(bits, op.length_bits);
  switch (op.kind) {
    case ValueKind::kSigned: return sign_extend(bits, op.length_bits);
    case ValueKind::kBoolean: return bits != 0 ? 1 : 0;
    default: return bits;
  }
}

/// A partial timestamp as the first full one from `clock` on that ends with it.
inline std::uint64_t extend_clock(std::uint64_t clock, std::uint64_t value, unsigned bits) {
  if (bits >= 64) return value;
  const std::uint64_t mask = low_bits(bits);
  std::uint64_t extended = (clock & ~mask) | (value & mask);
  if (extended < clock) extended += mask + 1;
  return extended;
}

}  // namespace sillage::ctf
