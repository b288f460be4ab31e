// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "sillage/read_options.hpp"

namespace sillage::command {

/// `sillage read`: prints the events of traces on standard output, and what is missing from them on
/// standard error.
///
/// Returns the exit status: 0, or 1 if a trace could not be read or something in it is damaged.
[[nodiscard]] int read(const ReadOptions& options);

}  // namespace sillage::command
