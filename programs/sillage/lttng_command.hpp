// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

namespace sillage::command {

/// Does what lttng(1) would, if the program was called by that name or with one of its verbs.
///
/// Returns the exit status; nothing if the command line is none of lttng's.
[[nodiscard]] std::optional<int> run_as_lttng(int argc, char** argv);

}  // namespace sillage::command
