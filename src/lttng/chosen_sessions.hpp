// SPDX-License-Identifier: MIT
// What verbs about sessions have in common.
#pragma once

#include "base/result.hpp"
#include "lttng/command_line.hpp"
#include "lttng/context.hpp"
#include "lttng/mi_document.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::lttng {

/// The sessions that a command line names: by --all, by pattern, by name, or the current one.
[[nodiscard]] Result<std::vector<std::string>> chosen_sessions(Context& context,
                                                               const CommandLine& line);

/// Does one thing to each chosen session, and goes on after a failure. Returns the exit status.
[[nodiscard]] Result<int> for_each_session(
    Context& context, const CommandLine& line, std::string_view verb,
    const std::function<Status(const std::string& name, MiDocument* document)>& each);

/// LTTng's words, which name the session where a verb is about one.
[[nodiscard]] Error naming_session(Error error, const std::string& as_lttng);

}  // namespace sillage::lttng
