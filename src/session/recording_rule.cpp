// SPDX-License-Identifier: MIT
#include "session/recording_rule.hpp"

#include "session/checks.hpp"
#include "session/glob.hpp"

#include <algorithm>

namespace sillage::session {
namespace {

using Kind = RecordingRule::Kind;

constexpr std::size_t kMaxFilter = 65536;  // parity F9
constexpr std::size_t kMaxPlace = 8192;    // a path and a symbol

bool has_place(Kind kind) {
  return kind == Kind::kFunction || kind == Kind::kProbe || kind == Kind::kUserspaceProbe;
}

}  // namespace

Domain domain_of(Kind kind) {
  return kind == Kind::kUserTracepoint ? Domain::kUser : Domain::kKernel;
}

Status check_rule(const RecordingRule& rule) {
  if (!is_pattern(rule.name))
    return fail(Code::kInvalidArgument, "an event's name must be 1 to 1024 bytes long");
  if (rule.filter.size() > kMaxFilter)
    return fail(Code::kInvalidArgument, "a filter may be at most 65536 bytes long");
  if (has_place(rule.kind) && (rule.place.empty() || rule.place.size() > kMaxPlace))
    return fail(Code::kInvalidArgument, "a probe needs a place of 1 to 8192 bytes");
  if (has_place(rule.kind) && is_glob(rule.name))
    return fail(Code::kInvalidArgument, "a probe makes one event: name it without *");
  if (!has_place(rule.kind) && !rule.place.empty())
    return fail(Code::kInvalidArgument, "only probes and functions have a place: leave it out");
  if (rule.kind != Kind::kUserTracepoint && rule.level.kind != LogLevelRule::Kind::kAny)
    return fail(Code::kInvalidArgument, "the kernel's events have no log level: leave it out");
  if (rule.level.level > kMaxLogLevel)
    return fail(Code::kInvalidArgument,
                "there is no log level " + std::to_string(rule.level.level) + ": use 0 to 14");
  if (!rule.exclusions.empty() && (has_place(rule.kind) || !is_glob(rule.name)))
    return fail(Code::kInvalidArgument,
                "Exclusions can only be used with a globbing pattern: put a * into the name, or "
                "leave them out");
  if (rule.exclusions.size() > kMaxExclusions ||
      !std::all_of(rule.exclusions.begin(), rule.exclusions.end(), is_pattern))
    return fail(Code::kInvalidArgument,
                "exclusions must be 1 to 1024 bytes long, at most 65536 of them");
  return {};
}

}  // namespace sillage::session
