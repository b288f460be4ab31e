// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

namespace sillage {

/// Reads foreign bytes: every function checks bounds, and on failure returns nothing and does not advance.
///
/// Lifetime: a view; the bytes must outlive it, and must be a private copy, not memory a peer can change.
/// Errors:   std::nullopt / false when fewer bytes are left than asked; `offset()` then names the place.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - offset_; }
  [[nodiscard]] bool at_end() const { return left() == 0; }

  /// The next integer or struct of fixed-width members, in the machine's byte order.
  template <class T>
  [[nodiscard]] std::optional<T> take() {
    static_assert(std::is_trivially_copyable_v<T>);
    if (left() < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset_, sizeof value);
    offset_ += sizeof value;
    return value;
  }

  /// The next `count` bytes as a view.
  [[nodiscard]] std::optional<std::span<const std::byte>> take_bytes(std::size_t count) {
    if (left() < count) return std::nullopt;
    auto view = bytes_.subspan(offset_, count);
    offset_ += count;
    return view;
  }

  /// The next `count` bytes as characters.
  [[nodiscard]] std::optional<std::string_view> take_chars(std::size_t count) {
    auto view = take_bytes(count);
    if (!view) return std::nullopt;
    return std::string_view(reinterpret_cast<const char*>(view->data()), view->size());
  }

  [[nodiscard]] bool skip(std::size_t count) {
    if (left() < count) return false;
    offset_ += count;
    return true;
  }

 private:
  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
};

}  // namespace sillage
