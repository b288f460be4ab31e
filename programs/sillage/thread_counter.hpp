// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sillage::command {

/// Why programs will record nothing but 0 for a context, if it is a counter of threads that this machine does not count.
///
/// Returns: "" if it counts it or the context is something else. That a program may be refused it, by its own rights, is not
///          known here.
[[nodiscard]] std::string why_no_counter(const std::string& context);

}  // namespace sillage::command
