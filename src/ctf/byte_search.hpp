// SPDX-License-Identifier: MIT
// Short searches in bytes: strings of traces have some ten characters, for which a call is too dear.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sillage::ctf {

/// The first NUL in [from, end), or nullptr.
inline const std::uint8_t* find_nul(const std::uint8_t* from, const std::uint8_t* end) {
#if defined(__SSE2__)
  while (end - from >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const auto found =
        static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_setzero_si128())));
    if (found != 0) return from + __builtin_ctz(found);
    from += 16;
  }
#endif
  return from == end ? nullptr
                     : static_cast<const std::uint8_t*>(
                           std::memchr(from, 0, static_cast<std::size_t>(end - from)));
}

}  // namespace sillage::ctf
