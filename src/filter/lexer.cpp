// SPDX-License-Identifier: MIT
#include "filter/lexer.hpp"

#include <array>
#include <charconv>
#include <string>

namespace sillage::filter {
namespace {

bool is_digit(char character) { return character >= '0' && character <= '9'; }

bool is_hex_digit(char character) {
  return is_digit(character) || (character >= 'a' && character <= 'f') ||
         (character >= 'A' && character <= 'F');
}

// Bytes of UTF-8 beyond ASCII as well: CTF 2 has such names.
bool starts_name(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         character == '_' || static_cast<unsigned char>(character) >= 0x80;
}

bool continues_name(char character) {
  return starts_name(character) || is_digit(character) || character == ':';
}

struct Sign {
  std::string_view text;
  Token::Kind kind;
  Operator operation = Operator::kNone;
};
// Longer ones in front of those they start with.
constexpr std::array kSigns = {
    Sign{"->", Token::Kind::kMember},
    Sign{"<<", Token::Kind::kOperator, Operator::kShiftLeft},
    Sign{">>", Token::Kind::kOperator, Operator::kShiftRight},
    Sign{"<=", Token::Kind::kOperator, Operator::kLessOrEqual},
    Sign{">=", Token::Kind::kOperator, Operator::kGreaterOrEqual},
    Sign{"==", Token::Kind::kOperator, Operator::kEqual},
    Sign{"!=", Token::Kind::kOperator, Operator::kNotEqual},
    Sign{"&&", Token::Kind::kOperator, Operator::kAnd},
    Sign{"||", Token::Kind::kOperator, Operator::kOr},
    Sign{"<", Token::Kind::kOperator, Operator::kLess},
    Sign{">", Token::Kind::kOperator, Operator::kGreater},
    Sign{"&", Token::Kind::kOperator, Operator::kBitAnd},
    Sign{"|", Token::Kind::kOperator, Operator::kBitOr},
    Sign{"^", Token::Kind::kOperator, Operator::kBitXor},
    Sign{"+", Token::Kind::kOperator, Operator::kAdd},
    Sign{"-", Token::Kind::kOperator, Operator::kSubtract},
    Sign{"*", Token::Kind::kOperator, Operator::kMultiply},
    Sign{"/", Token::Kind::kOperator, Operator::kDivide},
    Sign{"%", Token::Kind::kOperator, Operator::kRemainder},
    Sign{"!", Token::Kind::kNot},
    Sign{"~", Token::Kind::kComplement},
    Sign{"(", Token::Kind::kOpen},
    Sign{")", Token::Kind::kClose},
    Sign{"[", Token::Kind::kOpenIndex},
    Sign{"]", Token::Kind::kCloseIndex},
    Sign{".", Token::Kind::kMember},
};

// The u and l that C allows behind an integer.
bool is_integer_suffix(std::string_view text) {
  int unsigned_count = 0, long_count = 0;
  for (const char character : text) {
    if (character == 'u' || character == 'U') {
      ++unsigned_count;
    } else if (character == 'l' || character == 'L') {
      ++long_count;
    } else {
      return false;
    }
  }
  return unsigned_count <= 1 && long_count <= 2;
}

bool is_real_suffix(std::string_view text) {
  return text.empty() || text == "f" || text == "F" || text == "l" || text == "L";
}

}  // namespace

tl::unexpected<Error> fail_at(std::uint32_t column, std::string message) {
  return fail(Code::kInvalidArgument, std::move(message), "column " + std::to_string(column));
}

Status Lexer::skip_blanks() {
  while (place_ < text_.size()) {
    const char character = peek();
    if (character == ' ' || (character >= '\t' && character <= '\r')) {
      ++place_;
    } else if (character == '/' && peek(1) == '/') {
      place_ = std::min(text_.find('\n', place_), text_.size());
    } else if (character == '/' && peek(1) == '*') {
      const std::size_t end = text_.find("*/", place_ + 2);
      if (end == std::string_view::npos) {
        return fail_at(column(), "this comment has no end: write */ behind it");
      }
      place_ = end + 2;
    } else {
      break;
    }
  }
  return {};
}

Result<Token> Lexer::next() {
  SILLAGE_TRY(skip_blanks());
  if (place_ >= text_.size()) return Token{.kind = Token::Kind::kEnd, .column = column()};
  const char character = peek();
  if (is_digit(character) || (character == '.' && is_digit(peek(1)))) return take_number();
  if (character == '"' || character == '\'') return take_text(character);
  if (character == '$') return take_dollar();
  if (!starts_name(character)) return take_sign();
  Token name{.kind = Token::Kind::kName, .column = column()};
  const std::size_t start = place_;
  while (continues_name(peek())) ++place_;
  name.text = text_.substr(start, place_ - start);
  return name;
}

Result<Token> Lexer::take_number() {
  Token token{.kind = Token::Kind::kInteger, .column = column()};
  const std::size_t start = place_;
  const bool is_hex = peek() == '0' && (peek(1) == 'x' || peek(1) == 'X');
  bool is_real = false;
  while (true) {
    const char character = peek();
    const bool is_exponent =
        is_hex ? character == 'p' || character == 'P' : character == 'e' || character == 'E';
    is_real = is_real || character == '.' || is_exponent;
    if (is_exponent && (peek(1) == '+' || peek(1) == '-')) {
      place_ += 2;
    } else if (character == '.' || continues_name(character)) {
      ++place_;
    } else {
      break;
    }
  }
  token.text = text_.substr(start, place_ - start);
  const std::string_view digits = token.text.substr(is_hex ? 2 : 0);
  const char* const end = digits.data() + digits.size();
  if (is_real) {
    token.kind = Token::Kind::kReal;
    const auto done = std::from_chars(digits.data(), end, token.real,
                                      is_hex ? std::chars_format::hex : std::chars_format::general);
    if (done.ec == std::errc::result_out_of_range) {
      return fail_at(token.column, std::string(token.text) + " does not fit into 64 bits");
    }
    if (done.ec != std::errc() ||
        !is_real_suffix({done.ptr, static_cast<std::size_t>(end - done.ptr)})) {
      return fail_at(token.column,
                     std::string(token.text) + " is no number: write it as 2.5, 1e3 or 0x1p4");
    }
    return token;
  }
  const int base = is_hex ? 16 : token.text[0] == '0' ? 8 : 10;
  std::uint64_t number = 0;
  const auto done = std::from_chars(digits.data(), end, number, base);
  if (done.ec == std::errc::result_out_of_range) {
    return fail_at(token.column, std::string(token.text) + " does not fit into 64 bits");
  }
  if (done.ec != std::errc() ||
      !is_integer_suffix({done.ptr, static_cast<std::size_t>(end - done.ptr)})) {
    return fail_at(token.column,
                   std::string(token.text) + " is no number: write it as 42, 0x2a or (octal) 052");
  }
  token.integer = static_cast<std::int64_t>(number);
  return token;
}

// What a backslash and the bytes behind it stand for; `place_` is behind the backslash.
Result<char> Lexer::take_escape() {
  const std::uint32_t start = column() - 1;
  const char character = peek();
  ++place_;
  switch (character) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'e': return '\x1b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '\\':
    case '\'':
    case '"':
    case '?':
    case '*': return character;
    default: break;
  }
  const bool is_hex = character == 'x';
  if (!is_hex) --place_;
  std::size_t size = 0;
  while (size < (is_hex ? 2u : 3u) &&
         (is_hex ? is_hex_digit(peek(size)) : peek(size) >= '0' && peek(size) <= '7')) {
    ++size;
  }
  unsigned number = 0;
  const std::string_view digits = text_.substr(std::min(place_, text_.size()), size);
  std::from_chars(digits.data(), digits.data() + digits.size(), number, is_hex ? 16 : 8);
  if (size == 0 || number > 255) {
    return fail_at(start,
                   "there is no such escape: write \\\\ for a backslash, \\* for a star, "
                   "\\xHH for a byte");
  }
  place_ += size;
  return static_cast<char>(number);
}

Result<Token> Lexer::take_text(char quote) {
  Token token{.kind = Token::Kind::kText, .column = column()};
  const std::size_t start = place_;
  token.value.pieces.emplace_back();
  ++place_;
  while (place_ < text_.size() && peek() != quote) {
    const char character = peek();
    ++place_;
    if (character == '*') {
      // Two stars are one.
      if (!token.value.is_pattern() || !token.value.pieces.back().empty()) {
        token.value.pieces.emplace_back();
      }
    } else if (character == '\\') {
      const auto escaped = take_escape();
      if (!escaped) return tl::unexpected<Error>(escaped.error());
      token.value.pieces.back() += *escaped;
    } else {
      token.value.pieces.back() += character;
    }
  }
  if (place_ >= text_.size()) {
    return fail_at(token.column,
                   std::string("this text has no end: write ") + quote + " behind it");
  }
  ++place_;
  token.text = text_.substr(start, place_ - start);
  return token;
}

Result<Token> Lexer::take_dollar() {
  Token token{.column = column()};
  const std::size_t start = place_;
  ++place_;
  while (continues_name(peek())) ++place_;
  token.text = text_.substr(start, place_ - start);
  if (token.text == "$ctx") {
    token.kind = Token::Kind::kContext;
  } else if (token.text == "$app") {
    token.kind = Token::Kind::kApplication;
  } else {
    return fail_at(token.column, "there is no " + std::string(token.text) +
                                     ": write $ctx.NAME or $app.PROVIDER:NAME");
  }
  return token;
}

Result<Token> Lexer::take_sign() {
  const std::string_view rest = text_.substr(place_);
  for (const Sign& sign : kSigns) {
    if (!rest.starts_with(sign.text)) continue;
    Token token{.kind = sign.kind,
                .operation = sign.operation,
                .column = column(),
                .text = rest.substr(0, sign.text.size())};
    place_ += sign.text.size();
    return token;
  }
  const std::string found(1, rest.front());
  if (found == "=") return fail_at(column(), "= does not compare: write ==");
  return fail_at(column(), "\"" + found +
                               "\" has no meaning here: operators are || && == != < > <= >= "
                               "| ^ & << >> + - * / % ! ~, text stands in quotes");
}

}  // namespace sillage::filter
