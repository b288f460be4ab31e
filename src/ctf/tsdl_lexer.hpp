// SPDX-License-Identifier: MIT
// The words of TSDL, CTF 1.8's metadata language.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::ctf {

enum class TsdlTokenKind : std::uint8_t {
  kEnd,
  kWord,     ///< an identifier or keyword: keywords may be names, so the parser tells them apart
  kInteger,  ///< a constant without its sign
  kString,   ///< "..." or '...'
  kPunctuation,  ///< [ ] ( ) { } < > * + - -> : := ; . ... = ,
};

struct TsdlToken {
  TsdlTokenKind kind = TsdlTokenKind::kEnd;
  std::string_view text{};  ///< as written; of strings what is between the quotes
  std::uint64_t value = 0;  ///< of a kInteger
  std::size_t offset = 0;   ///< of its first byte in the text

  [[nodiscard]] bool is_word(std::string_view word) const {
    return kind == TsdlTokenKind::kWord && text == word;
  }
  [[nodiscard]] bool is(std::string_view punctuation) const {
    return kind == TsdlTokenKind::kPunctuation && text == punctuation;
  }
};

/// Takes TSDL text apart; comments and white space are skipped.
///
/// Lifetime: a view; tokens refer to the text.
/// Source:   CTF 1.8.3 section 7 and appendix C.1; escapes as babeltrace2 knows them.
class TsdlLexer {
 public:
  explicit TsdlLexer(std::string_view text, std::size_t offset = 0)
      : text_(text), offset_(offset) {}

  /// The next token; kEnd at the end, again and again. Zero bytes at the end of the text, which
  /// some tracers leave there, are no part of it.
  ///
  /// Errors: kCorrupt at a byte that cannot begin a token, an unfinished string or comment, a
  ///         number above 64 bits, a string with an unknown escape or a zero byte.
  [[nodiscard]] Result<TsdlToken> next();

 private:
  [[nodiscard]] Status skip_space();
  [[nodiscard]] Result<TsdlToken> word();
  [[nodiscard]] Result<TsdlToken> number();
  [[nodiscard]] Result<TsdlToken> string();
  [[nodiscard]] char at(std::size_t offset) const {
    return offset < text_.size() ? text_[offset] : '\0';
  }
  [[nodiscard]] tl::unexpected<Error> error(std::size_t offset, std::string message) const;

  std::string_view text_;
  std::size_t offset_;
};

/// The value of a kString token: escapes replaced, cut at a zero byte that an escape says, and
/// what is not UTF-8 replaced by U+FFFD.
[[nodiscard]] std::string tsdl_string_value(std::string_view text);

/// "line L, column C", both from 1, columns in bytes.
///
/// Cost: linear in `offset`; for messages.
[[nodiscard]] std::string tsdl_place(std::string_view text, std::size_t offset);

}  // namespace sillage::ctf
