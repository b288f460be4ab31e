// SPDX-License-Identifier: MIT
// What names and patterns may be, for the channels of both domains.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>

namespace sillage::session {

inline constexpr std::size_t kMaxName = 255;      // as LTTng's; it becomes part of a file's name
inline constexpr std::size_t kMaxPattern = 1024;  // four names' worth
inline constexpr std::size_t kMaxExclusions = 65536;  // parity E7

/// Whether a channel may have this name: its files are called so, with a number behind it.
[[nodiscard]] inline bool can_be_file_name(const std::string& name) {
  if (name.empty() || name.size() > kMaxName - 32 || name == "." || name == "..") return false;
  return std::none_of(name.begin(), name.end(), [](char c) { return c == '/' || c == '\0'; });
}

[[nodiscard]] inline bool is_pattern(const std::string& pattern) {
  return !pattern.empty() && pattern.size() <= kMaxPattern;
}

}  // namespace sillage::session
