// SPDX-License-Identifier: MIT
#pragma once

#include "control/control.pb.h"

#include <string>

namespace sillage::lttng {

/// What a session's rules met and what became of the events, rule by rule, for people.
[[nodiscard]] std::string why_empty_text(const control::v1::WhyEmptyResponse& answer);

/// Has a session that never started judged by the programs that are there now.
void add_present_programs(const control::v1::ListResponse& programs,
                          control::v1::WhyEmptyResponse* answer);

}  // namespace sillage::lttng
