// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "session/channel_settings.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace sillage::session {

/// What of a process decides whether it is recorded; names with "v": as the process itself sees them.
enum class ProcessAttribute : std::uint8_t { kPid, kVpid, kUid, kVuid, kGid, kVgid };
inline constexpr std::size_t kProcessAttributes = 6;

/// "pid", "vpid", "uid", "vuid", "gid" or "vgid".
[[nodiscard]] std::string_view attribute_name(ProcessAttribute attribute);
/// Whether a domain's tracer can decide by it: the user domain has vpid, vuid and vgid.
[[nodiscard]] bool has_attribute(Domain domain, ProcessAttribute attribute);

/// What LTTng calls a tracker: the processes whose attribute is in the set may record (parity S21).
class InclusionSet {
 public:
  enum class Policy : std::uint8_t { kAll, kNone, kListed };

  [[nodiscard]] Policy policy() const { return policy_; }
  /// Numbers, and the user's or group's name by which they were added ("" = by number).
  [[nodiscard]] const std::map<std::uint32_t, std::string>& values() const { return values_; }
  [[nodiscard]] bool has(std::uint32_t value) const {
    return policy_ == Policy::kAll || values_.contains(value);
  }

  /// From all, this leaves the one value.
  ///
  /// Errors: kAlreadyExists  it is in; kLimit  more than 65536.
  [[nodiscard]] Status add(std::uint32_t value, std::string name);
  /// Errors: kNotFound         it is not in.
  ///         kInvalidArgument  all are in: there is nothing to take one from.
  [[nodiscard]] Status remove(std::uint32_t value);
  void add_all();
  void remove_all();

  bool operator==(const InclusionSet&) const = default;

 private:
  Policy policy_ = Policy::kAll;
  std::map<std::uint32_t, std::string> values_;  // of kListed
};

/// One set for each attribute. A process records if all of them have it.
using InclusionSets = std::array<InclusionSet, kProcessAttributes>;

}  // namespace sillage::session
