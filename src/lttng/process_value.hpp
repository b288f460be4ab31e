// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"

#include <string>

namespace sillage::lttng {

/// A process attribute's value of a command line: a number, or a user's or group's name, which is looked up.
///
/// Errors: kInvalidArgument  there is none of that name; an id of a process that is no number.
[[nodiscard]] Result<control::v1::ProcessValue> process_value(
    const std::string& text, control::v1::ProcessAttribute attribute);

/// Looks up the users and groups that a session's inclusion sets name.
///
/// Errors: kInvalidArgument  one of them is not known here.
[[nodiscard]] Status look_up_names(control::v1::Session* session);

}  // namespace sillage::lttng
