// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"
#include "sillage/record_options.hpp"

#include <string>

namespace sillage::command {

/// Whether nothing in particular was asked for.
[[nodiscard]] bool names_no_event(const RecordOptions& options);

/// Fills a kernel channel with what `sillage record` was asked for: rules, contexts, the filter. Patterns of events
/// that have a colon are user space's and left out; if programs are recorded beside, so are contexts that are theirs alone.
///
/// Errors: kInvalidArgument  what cannot be, and what to write instead.
[[nodiscard]] Status fill_kernel_channel(const RecordOptions& options, bool records_programs,
                                         control::v1::KernelChannel* channel);

/// Whether a pattern is one of user space's events: "provider:name".
[[nodiscard]] inline bool is_user_pattern(const std::string& pattern) {
  return pattern.find(':') != std::string::npos;
}

}  // namespace sillage::command
