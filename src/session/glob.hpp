// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace sillage::session {

/// Whether `text` is what `pattern` describes: `*` stands for any run of bytes, a backslash takes the special
/// meaning from the byte behind it, everything else stands for itself.
///
/// Cost:   at most pattern length times text length steps; no recursion, so hostile patterns are harmless.
/// Source: LTTng's "star globbing" (lttng-enable-event(1)).
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

/// Whether `pattern` has a `*` that is not escaped: if not, it names one event.
[[nodiscard]] bool is_glob(std::string_view pattern);

}  // namespace sillage::session
