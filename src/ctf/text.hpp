// SPDX-License-Identifier: MIT
// Text helpers of the metadata writers and readers.
#pragma once

#include "ctf/model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sillage::ctf {

/// `bytes` as valid UTF-8: each byte that cannot be part of it becomes U+FFFD.
///
/// Source: Unicode 15 section 3.9, table 3-7 (no overlong forms, no surrogates, at most U+10FFFF).
[[nodiscard]] std::string valid_utf8(std::string_view bytes);

/// The usual text of a UUID: 8-4-4-4-12 lower-case hexadecimal digits.
[[nodiscard]] std::string uuid_text(const Uuid& uuid);

/// The UUID that such a text says, digits of either case; none if it says none.
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text);

/// Makes names different from each other: one that was given before gets "_2", "_3" ... behind it.
class UniqueNames {
 public:
  /// `name`, or the first such variation of it that was not returned yet.
  ///
  /// Cost: constant on average, however often the same name is asked for.
  [[nodiscard]] std::string unique(const std::string& name);

  /// Takes `name` as it is; false if it was taken before.
  bool take(const std::string& name) { return next_.try_emplace(name, 2).second; }

 private:
  std::unordered_map<std::string, unsigned> next_;  // number to try next, by name
};

}  // namespace sillage::ctf
