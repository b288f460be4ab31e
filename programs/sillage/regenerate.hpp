// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

namespace sillage::command {

/// `sillage regenerate statedump`: has the daemon record the kernel's state once more.
///
/// Errors: kNotFound  no daemon runs, or no recording that has the kernel's state.
[[nodiscard]] Result<int> regenerate_state_dump();

}  // namespace sillage::command
