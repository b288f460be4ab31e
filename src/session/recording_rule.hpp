// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "session/channel_settings.hpp"
#include "session/log_level.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sillage::session {

/// Asks for events of one kind. Two rules are the same if all members are (parity E9).
struct RecordingRule {
  enum class Kind : std::uint8_t {
    kUserTracepoint,
    kKernelTracepoint,
    kSyscall,         ///< entry and exit
    kFunction,        ///< entry and exit of a function of the kernel
    kProbe,           ///< a place in the kernel
    kUserspaceProbe,  ///< a place in programs
  };
  Kind kind = Kind::kUserTracepoint;
  std::string name = "*";  ///< pattern of tracepoints and system calls; else the event's name
  std::string place{};     ///< of functions and probes: where; "" for the others
  std::vector<std::string> exclusions{};  ///< patterns of what not to record although `name` has it
  LogLevelRule level{};                   ///< of user tracepoints
  std::string filter{};                   ///< expression; "" = none
  bool operator==(const RecordingRule&) const = default;
};

[[nodiscard]] Domain domain_of(RecordingRule::Kind kind);

/// Whether such a rule can be at all. What a filter means is not looked at.
///
/// Errors: kInvalidArgument  an empty or overlong pattern, place or filter; exclusions where one event is named;
///                           a level or a place that this kind has not.
[[nodiscard]] Status check_rule(const RecordingRule& rule);

}  // namespace sillage::session
