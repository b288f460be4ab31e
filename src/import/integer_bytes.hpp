// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sillage::import {

/// The integer of `size_bytes` (at most 8) at `at`, whose bytes are in order `order`.
[[nodiscard]] inline std::uint64_t load_integer(const std::byte* at, std::size_t size_bytes,
                                                ctf::ByteOrder order) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size_bytes; ++i) {
    const std::size_t byte = order == ctf::ByteOrder::kLittle ? size_bytes - 1 - i : i;
    value = value << 8 | std::to_integer<std::uint64_t>(at[byte]);
  }
  return value;
}

/// Appends the lowest `size_bytes` bytes of `value` in this machine's order.
inline void append_integer(std::uint64_t value, std::size_t size_bytes,
                           std::vector<std::byte>* out) {
  for (std::size_t i = 0; i < size_bytes; ++i) {
    const std::size_t byte =
        ctf::kNativeByteOrder == ctf::ByteOrder::kLittle ? i : size_bytes - 1 - i;
    out->push_back(static_cast<std::byte>(value >> (8 * byte)));
  }
}

}  // namespace sillage::import
