// SPDX-License-Identifier: MIT
#include "ctf/tsdl_lexer.hpp"

#include "ctf/text.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sillage::ctf {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal_digit(char c) { return c >= '0' && c <= '7'; }
bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
bool begins_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_in_word(char c) { return begins_word(c) || is_digit(c); }

/// What a character behind a backslash stands for; 0: no such escape.
char simple_escape(char c) {
  switch (c) {
    case 'a': return '\a';
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'v': return '\v';
    case '\\':
    case '\'':
    case '"':
    case '?': return c;
    default: return 0;
  }
}

/// Digits of `\x` and octal escapes: at most three, as babeltrace2 reads them.
std::size_t escape_digits(std::string_view text, bool (*is_one)(char)) {
  std::size_t count = 0;
  while (count < 3 && count < text.size() && is_one(text[count])) ++count;
  return count;
}

char escape_value(std::string_view digits, int base) {
  unsigned value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  return static_cast<char>(value & 0xff);
}

/// Characters of the punctuation mark that `text` starts with; 0: none.
std::size_t mark_size(std::string_view text) {
  if (text.starts_with("...")) return 3;
  if (text.starts_with("->") || text.starts_with(":=")) return 2;
  return std::string_view("[](){}<>*+-:;.=,").find(text.front()) == std::string_view::npos ? 0 : 1;
}

std::string byte_name(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  if (c > ' ' && c < 0x7f) return std::string("'") + c + "'";
  const auto code = static_cast<unsigned char>(c);
  return std::string("byte 0x") + kDigits[code >> 4] + kDigits[code & 15];
}

}  // namespace

std::string tsdl_place(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 = 0
  return "line " + std::to_string(lines + 1) + ", column " +
         std::to_string(before.size() - line_begin + 1);
}

std::string tsdl_string_value(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      c = text[++i];
      if (c == 'x') {
        const std::size_t count = escape_digits(text.substr(i + 1), is_hex_digit);
        c = escape_value(text.substr(i + 1, count), 16);
        i += count;
      } else if (is_octal_digit(c)) {
        const std::size_t count = escape_digits(text.substr(i), is_octal_digit);
        c = escape_value(text.substr(i, count), 8);
        i += count - 1;
      } else {
        c = simple_escape(c);
      }
      if (c == '\0') break;
    }
    value += c;
  }
  return valid_utf8(value);
}

tl::unexpected<Error> TsdlLexer::error(std::size_t offset, std::string message) const {
  return fail(Code::kCorrupt, std::move(message), tsdl_place(text_, offset));
}

Status TsdlLexer::skip_space() {
  while (offset_ < text_.size()) {
    const char c = text_[offset_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      ++offset_;
    } else if (c == '/' && at(offset_ + 1) == '/') {
      const std::size_t end = text_.find('\n', offset_);
      offset_ = end == std::string_view::npos ? text_.size() : end;
    } else if (c == '/' && at(offset_ + 1) == '*') {
      const std::size_t end = text_.find("*/", offset_ + 2);
      if (end == std::string_view::npos)
        return error(offset_, "this comment is never closed; the metadata is cut short");
      offset_ = end + 2;
    } else if (c == '\0' && text_.find_first_not_of('\0', offset_) == std::string_view::npos) {
      offset_ = text_.size();
    } else {
      break;
    }
  }
  return {};
}

Result<TsdlToken> TsdlLexer::next() {
  if (auto skipped = skip_space(); !skipped) return tl::unexpected(std::move(skipped).error());
  if (offset_ >= text_.size()) return TsdlToken{.offset = text_.size()};
  const char c = text_[offset_];
  const bool is_wide = c == 'L' && (at(offset_ + 1) == '"' || at(offset_ + 1) == '\'');
  if (is_wide) return error(offset_, "wide strings are not supported");
  if (begins_word(c) || c == '\\') return word();
  if (is_digit(c)) return number();
  if (c == '"' || c == '\'') return string();

  const std::size_t size = mark_size(text_.substr(offset_));
  if (size != 0) {
    TsdlToken token{.kind = TsdlTokenKind::kPunctuation,
                    .text = text_.substr(offset_, size),
                    .offset = offset_};
    offset_ += size;
    return token;
  }
  return error(offset_, byte_name(c) + " cannot stand here");
}

Result<TsdlToken> TsdlLexer::word() {
  const std::size_t begin = offset_;
  while (offset_ < text_.size()) {
    if (is_in_word(text_[offset_])) {
      ++offset_;
      continue;
    }
    // \uXXXX and \UXXXXXXXX: part of the identifier as they are written.
    const char kind = text_[offset_] == '\\' ? at(offset_ + 1) : '\0';
    const std::size_t digits = kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
    if (digits == 0) break;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_hex_digit(at(offset_ + 2 + i)))
        return error(offset_, "a universal character name needs " + std::to_string(digits) +
                                  " hexadecimal digits");
    }
    offset_ += 2 + digits;
  }
  if (offset_ == begin) return error(begin, "'\\' cannot stand here");
  return TsdlToken{
      .kind = TsdlTokenKind::kWord, .text = text_.substr(begin, offset_ - begin), .offset = begin};
}

Result<TsdlToken> TsdlLexer::number() {
  const std::size_t begin = offset_;
  int base = 10;
  if (text_[offset_] == '0') {
    const bool is_hex = at(offset_ + 1) == 'x' || at(offset_ + 1) == 'X';
    base = is_hex ? 16 : 8;
    if (is_hex) offset_ += 2;
  }
  std::uint64_t value = 0;
  const char* const digits = text_.data() + offset_;
  const auto [end, status] = std::from_chars(digits, text_.data() + text_.size(), value, base);
  if (status == std::errc::result_out_of_range)
    return error(begin, "this number does not fit in 64 bits");
  if (status != std::errc()) return error(begin, "this is not a number");
  offset_ += static_cast<std::size_t>(end - digits);
  constexpr std::string_view kSuffixes = "uUlL";
  while (kSuffixes.find(at(offset_)) != std::string_view::npos && at(offset_) != '\0') ++offset_;
  if (is_in_word(at(offset_)))
    return error(begin, "this is neither a number nor a name; names begin with a letter");
  return TsdlToken{.kind = TsdlTokenKind::kInteger,
                   .text = text_.substr(begin, offset_ - begin),
                   .value = value,
                   .offset = begin};
}

Result<TsdlToken> TsdlLexer::string() {
  const std::size_t begin = offset_;
  const char quote = text_[begin];
  std::size_t i = begin + 1;
  while (i < text_.size() && text_[i] != quote) {
    if (text_[i] == '\0') return error(i, "a zero byte cannot stand in a string");
    if (text_[i] == '\\') {
      const char c = at(++i);
      const bool is_known =
          simple_escape(c) != 0 || is_octal_digit(c) || (c == 'x' && is_hex_digit(at(i + 1)));
      if (!is_known) return error(i - 1, "there is no escape of backslash and " + byte_name(c));
    }
    ++i;
  }
  if (i >= text_.size())
    return error(begin, "this string is never closed; the metadata is cut short");
  offset_ = i + 1;
  return TsdlToken{.kind = TsdlTokenKind::kString,
                   .text = text_.substr(begin + 1, i - begin - 1),
                   .offset = begin};
}

}  // namespace sillage::ctf
