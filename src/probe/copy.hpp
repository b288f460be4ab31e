// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstring>

namespace sillage::probe {

/// memcpy without the call for the sizes that fields have.
[[gnu::always_inline]] inline void copy_small(char* to, const void* from, std::uint32_t bytes) {
  const char* source = static_cast<const char*>(from);
  if (bytes >= 8 && bytes <= 16) {
    std::uint64_t first, last;
    std::memcpy(&first, source, 8);
    std::memcpy(&last, source + bytes - 8, 8);
    std::memcpy(to, &first, 8);
    std::memcpy(to + bytes - 8, &last, 8);
  } else if (bytes >= 4 && bytes < 8) {
    std::uint32_t first, last;
    std::memcpy(&first, source, 4);
    std::memcpy(&last, source + bytes - 4, 4);
    std::memcpy(to, &first, 4);
    std::memcpy(to + bytes - 4, &last, 4);
  } else {
    std::memcpy(to, source, bytes);
  }
}

}  // namespace sillage::probe
