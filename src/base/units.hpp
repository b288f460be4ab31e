// SPDX-License-Identifier: MIT
// Strong units: one line each, so that a size is never passed for a time.
#pragma once

#include <compare>
#include <cstdint>

namespace sillage {

#define SILLAGE_UNIT(Name, Type)                   \
  struct Name {                                    \
    Type value = 0;                                \
    auto operator<=>(const Name&) const = default; \
  }
SILLAGE_UNIT(Nanoseconds, std::uint64_t);  // of CLOCK_MONOTONIC unless the name says otherwise
SILLAGE_UNIT(ByteCount, std::uint64_t);
SILLAGE_UNIT(BitOffset, std::uint64_t);
SILLAGE_UNIT(StreamIndex, std::uint32_t);
SILLAGE_UNIT(EventId, std::uint32_t);
#undef SILLAGE_UNIT

}  // namespace sillage
