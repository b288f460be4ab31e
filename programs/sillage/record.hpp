// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "sillage/record_options.hpp"

namespace sillage::command {

/// `sillage record`: runs the program if there is one, records until it ends, a signal comes or the time is over,
/// and prints the summary to stderr. Returns the exit status for the shell: the program's own if there is one, or that
/// of a program that cannot be run, which it says on stderr.
///
/// Threads: the calling one; it blocks signals and forks, so no other may run.
[[nodiscard]] Result<int> record(const RecordOptions& options);

}  // namespace sillage::command
