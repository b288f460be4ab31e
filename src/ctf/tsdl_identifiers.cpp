// SPDX-License-Identifier: MIT
#include "ctf/tsdl_identifiers.hpp"

#include <algorithm>
#include <array>

namespace sillage::ctf {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_keyword(std::string_view name) {
  constexpr std::array<std::string_view, 29> kKeywords{
      "align",   "callsite", "char",  "clock",          "const",     "double",
      "enum",    "env",      "event", "floating_point", "float",     "integer",
      "int",     "long",     "short", "signed",         "stream",    "string",
      "struct",  "trace",    "true",  "typealias",      "typedef",   "unsigned",
      "variant", "void",     "_Bool", "_Complex",       "_Imaginary"};
  return std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end();
}

}  // namespace

std::string tsdl_identifier(std::string_view name) {
  std::string text = "_";
  for (const char c : name) text += is_letter(c) || is_digit(c) ? c : '_';
  return text;
}

bool is_tsdl_identifier(std::string_view name) {
  return !name.empty() && name.front() != '_' && is_letter(name.front()) && !is_keyword(name) &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_letter(c) || is_digit(c); });
}

std::string TsdlIdentifiers::add(const std::string& name) {
  std::string escaped = tsdl_identifier(name);
  if (names_.take(escaped)) {
    static_cast<void>(names_.take(escaped.substr(1)));
    return escaped;
  }
  if (is_tsdl_identifier(name) && names_.take(name)) return name;
  std::string numbered = names_.unique(escaped);
  static_cast<void>(names_.take(numbered.substr(1)));
  return numbered;
}

bool TsdlIdentifiers::take(const std::string& name) {
  if (!names_.take(name)) return false;
  static_cast<void>(names_.take("_" + name));
  return true;
}

}  // namespace sillage::ctf
