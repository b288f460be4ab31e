// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::convert {

/// Writes the wire format of protocol buffers: fields one behind the other, messages inside.
///
/// Source: protobuf.dev, "Encoding".
class ProtoWriter {
 public:
  void put_unsigned(std::uint32_t field, std::uint64_t value) {
    put_key(field, kVarint);
    put_varint(value);
  }
  /// int32 and int64: two's complement, not zigzag.
  void put_signed(std::uint32_t field, std::int64_t value) {
    put_unsigned(field, static_cast<std::uint64_t>(value));
  }
  void put_double(std::uint32_t field, double value) {
    put_key(field, kFixed64);
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (unsigned i = 0; i < 64; i += 8) bytes_ += static_cast<char>(bits >> i);
  }
  void put_bytes(std::uint32_t field, std::string_view bytes) {
    put_key(field, kLength);
    put_varint(bytes.size());
    bytes_ += bytes;
  }

  /// Begins a message inside; what it returns is for the end() that belongs to it.
  [[nodiscard]] std::size_t begin(std::uint32_t field) {
    put_key(field, kLength);
    return bytes_.size();
  }
  void end(std::size_t first) {
    // Most messages are below 128 bytes: one byte of length.
    std::string length;
    put_varint(bytes_.size() - first, &length);
    bytes_.insert(first, length);
  }

  void clear() { bytes_.clear(); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  static constexpr std::uint32_t kVarint = 0, kFixed64 = 1, kLength = 2;

  void put_key(std::uint32_t field, std::uint32_t wire_type) { put_varint(field << 3 | wire_type); }
  void put_varint(std::uint64_t value) { put_varint(value, &bytes_); }
  static void put_varint(std::uint64_t value, std::string* to) {
    for (; value >= 0x80; value >>= 7) *to += static_cast<char>(value | 0x80);
    *to += static_cast<char>(value);
  }

  std::string bytes_;
};

}  // namespace sillage::convert
