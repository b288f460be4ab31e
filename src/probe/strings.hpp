// SPDX-License-Identifier: MIT
// Copying the pieces of a payload, above all strings: measured and copied in one pass, because another
// thread may change them meanwhile and a record must stay well framed whatever it does.
#pragma once

#include <sillage/site.h>

#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "probe/copy.hpp"
#include "probe/rseq.hpp"
#include "probe/slot.hpp"
#include "probe/writer.hpp"

namespace sillage::probe {

/// More pieces than tracepoint.h can make: 32 fields, two for a sequence.
constexpr std::uint32_t kMaxParts = 64;

alignas(16) inline constexpr char kNullString[16] =
    "(null)";  // one whole block: see append_string()
constexpr std::uint32_t kNullStringLength = 6;

/// Copies up to `limit` bytes or the first NUL of `from`, and a NUL behind.
///
/// Returns the byte behind the NUL, or nullptr if more than `room` - 1 bytes would be needed. Writes at most
/// 16 bytes behind what it returns, and never reads across a page boundary that the string does not reach.
[[gnu::always_inline]] inline char* append_string(const char* from, std::uint64_t limit, char* to,
                                                  std::uint64_t room) {
  std::uint64_t done = 0;
#if defined(__SSE2__)
  const __m128i zero = _mm_setzero_si128();
  while (done < limit && done + 16 < room &&
         (reinterpret_cast<std::uintptr_t>(from + done) & 4095) <= 4080) {
    __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + done), block);
    auto nul = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, zero)));
    if (nul != 0) {
      std::uint64_t length = done + static_cast<unsigned>(__builtin_ctz(nul));
      if (length > limit) length = limit;
      to[length] = 0;
      return to + length + 1;
    }
    done += 16;
  }
  if (done > limit) done = limit;
#endif
  for (; done < limit; done++) {
    if (done + 1 >= room) return nullptr;
    char c = from[done];
    to[done] = c;
    if (c == 0) return to + done + 1;
  }
  if (done + 1 > room) return nullptr;
  to[done] = 0;
  return to + done + 1;
}

/// Appends one part to the scratch; nullptr if it does not fit.
[[gnu::always_inline]] inline char* append_part(const sillage_part& part, char* to,
                                                std::uint32_t room) {
  if (part.kind == SILLAGE_PART_BYTES) {
    if (part.bytes > room) return nullptr;
    copy_small(to, part.data, part.bytes);
    return to + part.bytes;
  }
  if (part.data == nullptr) return append_string(kNullString, kNullStringLength, to, room);
  return append_string(static_cast<const char*>(part.data), part.bytes, to, room);
}

/// A part as the writer's own copy loop takes it.
inline Piece measure(const sillage_part& part) {
  if (part.kind == SILLAGE_PART_BYTES) return {part.data, part.bytes, 0};
  if (part.data == nullptr) return {kNullString, kNullStringLength + 1, 1};
  const char* text = static_cast<const char*>(part.data);
  std::uint32_t length = 0;
  while (length < part.bytes && text[length] != 0) length++;
  return {part.data, length + 1, 1};
}

}  // namespace sillage::probe
