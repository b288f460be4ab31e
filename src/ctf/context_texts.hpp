// SPDX-License-Identifier: MIT
// Texts of common contexts, by their bytes: a thread has many events in sequence, and its number and
// name stand in front of each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

namespace sillage::ctf {

/// Remembers the text of some contexts of one data stream class, whose contexts have a fixed size.
///
/// Each context has one place by its bytes, which the last one to have it keeps: no list to search.
/// Cost: one comparison of `bytes` bytes; 18 KiB once there is a text.
class ContextTexts {
 public:
  /// Contexts of other sizes are not remembered. LTTng's of pid, tid and procname have 24.
  static constexpr std::size_t kLeastBytes = 8, kMostBytes = 64;

  /// A place for one context.
  struct Entry {
    static constexpr std::size_t kBlock = 64;
    std::uint32_t size = 0;  ///< of the text; 0: nothing is kept here
    std::array<std::uint8_t, kMostBytes> bytes{};
    std::array<char, 3 * kBlock> text{};

    /// Whether it has the text of this context.
    [[nodiscard]] bool is_of(const std::uint8_t* context, std::size_t byte_count) const {
      std::uint64_t difference = 0;
      for_each_word(byte_count, [&](std::size_t at) {
        difference |= word(bytes.data() + at) ^ word(context + at);
      });
      return difference == 0 && size != 0;
    }
    /// Appends the text; up to a block behind it may be written.
    char* copy_to(char* out) const {
      for (std::size_t i = 0; i < size; i += kBlock) std::memcpy(out + i, text.data() + i, kBlock);
      return out + size;
    }
    /// Keeps a text, if it is not too long.
    void set(const std::uint8_t* context, std::size_t byte_count, const char* from,
             std::size_t text_bytes) {
      size = 0;
      if (text_bytes > text.size()) return;
      size = static_cast<std::uint32_t>(text_bytes);
      std::memcpy(bytes.data(), context, byte_count);
      std::memcpy(text.data(), from, text_bytes);
    }
  };

  /// The place of a context of `byte_count` bytes.
  [[nodiscard]] Entry& entry(const std::uint8_t* context, std::size_t byte_count) {
    if (entries_ == nullptr) [[unlikely]]
      entries_ = std::make_unique<std::array<Entry, kEntries>>();
    std::uint64_t sum = 0;
    for_each_word(byte_count, [&](std::size_t at) { sum += word(context + at); });
    // 2^64 by the golden ratio: neighbouring numbers of threads get places apart.
    return (*entries_)[(sum * 0x9e37'79b9'7f4a'7c15) >> (64 - kEntryBits)];
  }

 private:
  static constexpr unsigned kEntryBits = 6;
  static constexpr std::size_t kEntries = std::size_t{1} << kEntryBits;

  static std::uint64_t word(const std::uint8_t* from) {
    std::uint64_t value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
  }
  // All bytes in words of 8; the last word overlaps the one in front of it.
  template <class Do>
  static void for_each_word(std::size_t byte_count, Do action) {
    for (std::size_t at = 0; at + 8 < byte_count; at += 8) action(at);
    action(byte_count - 8);
  }

  std::unique_ptr<std::array<Entry, kEntries>> entries_;
};

}  // namespace sillage::ctf
