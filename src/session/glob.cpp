// SPDX-License-Identifier: MIT
#include "session/glob.hpp"

#include <cstddef>

namespace sillage::session {

bool glob_matches(std::string_view pattern, std::string_view text) {
  // Where to go on if a later byte differs: behind the last star, one byte further in the text. Earlier stars
  // need no second look: the shortest run for them leaves most text to the rest.
  std::size_t retry_pattern = std::string_view::npos, retry_text = 0;
  std::size_t p = 0, t = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      retry_pattern = ++p;
      retry_text = t;
      continue;
    }
    bool is_escape = p + 1 < pattern.size() && pattern[p] == '\\';
    std::size_t literal = is_escape ? p + 1 : p;
    if (literal < pattern.size() && pattern[literal] == text[t]) {
      p = literal + 1;
      ++t;
      continue;
    }
    if (retry_pattern == std::string_view::npos) return false;
    p = retry_pattern;
    t = ++retry_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool is_glob(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '*') {
      return true;
    }
  }
  return false;
}

}  // namespace sillage::session
