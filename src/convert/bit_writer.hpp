// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sillage::convert {

/// Writes fields at any bit of a packet: appends them, or writes over those that are there.
///
/// Units: positions and alignments in bits from the packet's first.
/// Source: CTF2-SPEC-2.0 section 6.4 (the reverse of its decoding procedures).
class BitWriter {
 public:
  /// Starts an empty packet.
  void clear();
  /// Starts with a whole packet, at its first bit, to write over some of its fields.
  void copy(std::span<const std::byte> packet);

  [[nodiscard]] std::uint64_t position() const { return position_; }
  void seek(std::uint64_t bit) { position_ = bit; }

  /// Goes to the next multiple of a power of two.
  void align(std::uint64_t alignment_bits);

  /// Writes the lowest `length_bits` (at most 64) of `value` at any bit; bits around them stay.
  void put_bits(std::uint64_t value, unsigned length_bits, ctf::ByteOrder order);

  /// Writes whole bytes at the next byte.
  void put_bytes(std::string_view bytes);

  /// Makes the packet that long: adds zeroes, or leaves out what is behind.
  void resize(std::uint64_t byte_count) { bytes_.resize(byte_count); }

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  void reserve_to(std::uint64_t bit);

  std::vector<std::byte> bytes_;
  std::uint64_t position_ = 0;
};

}  // namespace sillage::convert
