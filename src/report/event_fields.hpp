// SPDX-License-Identifier: MIT
// The fields that events have, for people who write filters.
#pragma once

#include "ctf/decode_plan.hpp"

#include <map>
#include <string>
#include <vector>

namespace sillage::report {

/// A field as filters name it: "fd", "$ctx.vpid".
struct EventField {
  std::string name{};
  std::string type{};  ///< its class in short: "u32", "text", "[u8]", "one of {a: i8 | b: text}"
};
/// Of one event: payload, then contexts. Two scopes may have fields of one name.
using EventFields = std::vector<EventField>;

/// The fields of the events of a trace, by name of the event; of several classes of one name those
/// of the first that has any.
[[nodiscard]] std::map<std::string, EventFields> fields_of(const ctf::Plan& plan);

}  // namespace sillage::report
