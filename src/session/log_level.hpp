// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string_view>

namespace sillage::session {

/// LTTng-UST's log levels are numbered 0 (EMERG, most severe) to 14 (DEBUG).
inline constexpr std::uint8_t kMaxLogLevel = 14;

/// The level's name without LTTng's prefix, such as "INFO" or "DEBUG_LINE"; "UNKNOWN" above 14.
[[nodiscard]] std::string_view log_level_name(std::uint8_t level);

/// The level that `text` names: a number, or a name in any case, with or without LTTng's prefix "TRACE_".
///
/// Errors: kInvalidArgument  no such level; the message lists them.
[[nodiscard]] Result<std::uint8_t> parse_log_level(std::string_view text);

/// Which levels an event rule wants.
struct LogLevelRule {
  enum class Kind : std::uint8_t {
    kAny,
    kAtLeastAsSevere,  ///< `level` and every more severe one
    kOnly,             ///< `level` alone
  };
  Kind kind = Kind::kAny;
  std::uint8_t level = 0;

  [[nodiscard]] bool accepts(std::uint8_t event_level) const {
    switch (kind) {
      case Kind::kAny: return true;
      case Kind::kAtLeastAsSevere: return event_level <= level;
      case Kind::kOnly: return event_level == level;
    }
    return false;
  }
  bool operator==(const LogLevelRule&) const = default;
};

}  // namespace sillage::session
