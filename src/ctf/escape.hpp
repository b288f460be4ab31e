// SPDX-License-Identifier: MIT
// Characters that do not stand for themselves in text that is printed.
#pragma once

#include <cstdint>

namespace sillage::ctf {

/// Appends the escape sequence of such a character, at most 4 bytes; returns the place behind it.
///
/// Source: what Babeltrace 2.2 prints.
[[nodiscard]] inline char* put_escape(char* out, std::uint8_t byte) {
  *out++ = '\\';
  switch (byte) {
    case '\a': *out++ = 'a'; break;
    case '\b': *out++ = 'b'; break;
    case 0x1b: *out++ = 'e'; break;
    case '\f': *out++ = 'f'; break;
    case '\n': *out++ = 'n'; break;
    case '\r': *out++ = 'r'; break;
    case '\t': *out++ = 't'; break;
    case '\v': *out++ = 'v'; break;
    case '\\':
    case '\'':
    case '"':
    case '?': *out++ = static_cast<char>(byte); break;
    default:
      *out++ = 'x';
      *out++ = "0123456789abcdef"[byte >> 4];
      *out++ = "0123456789abcdef"[byte & 15];
  }
  return out;
}

}  // namespace sillage::ctf
