// SPDX-License-Identifier: MIT
// The words of a filter expression.
#pragma once

#include "base/result.hpp"
#include "filter/tree.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sillage::filter {

/// One word.
///
/// Lifetime: `text` is a view of the expression.
struct Token {
  enum class Kind : std::uint8_t {
    kEnd,
    kInteger,
    kReal,
    kText,
    kName,
    kContext,      ///< $ctx
    kApplication,  ///< $app
    kOperator,
    kNot,         ///< !
    kComplement,  ///< ~
    kOpen,
    kClose,
    kOpenIndex,
    kCloseIndex,
    kMember,  ///< . or ->
  };
  Kind kind = Kind::kEnd;
  Operator operation = Operator::kNone;  ///< of kOperator
  std::uint32_t column = 1;
  std::string_view text{};
  std::int64_t integer = 0;
  double real = 0;
  Text value{};  ///< of kText, escapes resolved
};

/// The error of an expression at a column, 1 being the first byte.
[[nodiscard]] tl::unexpected<Error> fail_at(std::uint32_t column, std::string message);

/// Takes an expression apart, word by word. White space and comments (C's and C++'s) are skipped.
///
/// Source: LTTng's grammar (lttng-enable-event(1), "Filter expression syntax"), measured against
///         LTTng 2.13.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  /// The next word; kEnd at the end, again and again.
  ///
  /// Errors: kInvalidArgument  what is no word, and what to write instead.
  [[nodiscard]] Result<Token> next();

 private:
  [[nodiscard]] std::uint32_t column() const { return static_cast<std::uint32_t>(place_ + 1); }
  [[nodiscard]] char peek(std::size_t ahead = 0) const {
    return place_ + ahead < text_.size() ? text_[place_ + ahead] : '\0';
  }
  Status skip_blanks();
  Result<Token> take_number();
  Result<Token> take_text(char quote);
  Result<char> take_escape();
  Result<Token> take_dollar();
  Result<Token> take_sign();

  std::string_view text_;
  std::size_t place_ = 0;
};

}  // namespace sillage::filter
