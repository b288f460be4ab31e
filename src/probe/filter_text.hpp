// SPDX-License-Identifier: MIT
// Texts of filters: compared where they lie, byte by byte, up to a NUL or a limit.
#pragma once

#include "abi/filter.h"

#include <cstdint>

namespace sillage::probe {

/// A text that ends with a NUL or after `limit` bytes; with a literal the limit alone, as it may hold NULs.
struct FilterText {
  const char* data;
  std::uint64_t limit;
};

/// Where a text of the program's ends for filters.
constexpr std::uint64_t kFilterTextLimit = SILLAGE_FILTER_TEXT_BYTES - 1;

/// The byte at a place, 0 behind the end. What was 0 once is not read beyond: callers stop there.
inline unsigned char byte_of(const FilterText& text, std::uint64_t at) {
  return at < text.limit
             ? static_cast<unsigned char>(*static_cast<const volatile char*>(text.data + at))
             : 0;
}

inline std::int64_t order_texts(const FilterText& left, const FilterText& right) {
  for (std::uint64_t at = 0;; at++) {
    const unsigned char a = byte_of(left, at), b = byte_of(right, at);
    if (a != b) return a < b ? -1 : 1;
    if (a == 0) return 0;
  }
}

/// The literal may be longer than the text and have NULs, behind which nothing of a text can be.
inline std::int64_t order_literal(const FilterText& text, const FilterText& literal) {
  for (std::uint64_t at = 0;; at++) {
    const unsigned char a = byte_of(text, at);
    if (at == literal.limit) return a == 0 ? 0 : 1;
    const auto b = static_cast<unsigned char>(literal.data[at]);
    if (a == 0) return -1;
    if (a != b) return a < b ? -1 : 1;
  }
}

inline bool begins_with(const FilterText& text, std::uint64_t from, const FilterText& piece) {
  for (std::uint64_t at = 0; at < piece.limit; at++) {
    const unsigned char a = byte_of(text, from + at);
    if (a == 0 || a != static_cast<unsigned char>(piece.data[at])) return false;
  }
  return true;
}

/// Whether a text is like a pattern, given as the pieces between its stars, 2 or more.
///
/// Cost: the text's bytes times the longest piece between two stars.
inline bool match_text(const FilterText& text, const sillage_filter_literal* pieces,
                       std::uint64_t count, const char* bytes) {
  const auto piece = [&](std::uint64_t which) {
    return FilterText{bytes + pieces[which].offset, pieces[which].bytes};
  };
  const FilterText first = piece(0), last = piece(count - 1);
  if (!begins_with(text, 0, first)) return false;
  if (count == 2 && last.limit == 0) return true;
  std::uint64_t length = first.limit;
  while (byte_of(text, length) != 0) length++;
  if (length - first.limit < last.limit) return false;
  const FilterText whole = {text.data,
                            length};  // what was measured; a NUL that comes later ends a comparison
  const std::uint64_t end = length - last.limit;
  std::uint64_t from = first.limit;
  // The leftmost place of each piece leaves the most room to those behind it.
  for (std::uint64_t which = 1; which + 1 < count; which++) {
    const FilterText wanted = piece(which);
    while (from + wanted.limit <= end && !begins_with(whole, from, wanted)) from++;
    if (from + wanted.limit > end) return false;
    from += wanted.limit;
  }
  return begins_with(whole, end, last);
}

}  // namespace sillage::probe
