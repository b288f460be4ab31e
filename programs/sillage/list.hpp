// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"

#include <string>

namespace sillage::command {

/// Running programs and their tracepoints, as `sillage list` prints them.
[[nodiscard]] std::string list_text(const control::v1::ListResponse& list);

/// `sillage list`: asks the daemon (starting it if none runs) and prints.
[[nodiscard]] Result<int> list(bool with_fields);

/// `sillage version`: this command's, and the daemon's if one runs.
[[nodiscard]] Result<int> version();

}  // namespace sillage::command
