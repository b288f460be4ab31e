// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"
#include "import/integer_bytes.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sillage::import {

/// Reads integers of one record in memory one behind the other, in a given byte order.
///
/// A read beyond the end gives zeros and empty spans and makes `ok()` false for good; the caller looks
/// before it acts on what it read.
class RecordCursor {
 public:
  RecordCursor(std::span<const std::byte> bytes, ctf::ByteOrder order)
      : bytes_(bytes), order_(order) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - at_; }
  [[nodiscard]] ctf::ByteOrder order() const { return order_; }

  [[nodiscard]] std::uint64_t integer(std::size_t size_bytes) {
    const auto bytes = take(size_bytes);
    return bytes.size() == size_bytes ? load_integer(bytes.data(), size_bytes, order_) : 0;
  }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  [[nodiscard]] std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  [[nodiscard]] std::int32_t s32() { return static_cast<std::int32_t>(integer(4)); }
  [[nodiscard]] std::uint64_t u64() { return integer(8); }

  /// The next `count` bytes.
  [[nodiscard]] std::span<const std::byte> take(std::uint64_t count) {
    if (!ok_ || left() < count) {
      ok_ = false;
      return {};
    }
    const auto bytes = bytes_.subspan(at_, count);
    at_ += count;
    return bytes;
  }
  /// The next `count` integers of 8 bytes.
  [[nodiscard]] std::span<const std::byte> take_u64s(std::uint64_t count) {
    if (count > left() / 8) ok_ = false;
    return take(ok_ ? count * 8 : 0);
  }
  void skip(std::uint64_t count) { (void)take(count); }

 private:
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  ctf::ByteOrder order_;
  bool ok_ = true;
};

/// What a text in a fixed space says: up to its first NUL.
[[nodiscard]] inline std::string_view text_of(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.substr(0, std::min(text.find('\0'), text.size()));
}

}  // namespace sillage::import
