// SPDX-License-Identifier: MIT
// The verbs of lttng(1): each takes its command line, talks to the daemon and prints as LTTng does.
#pragma once

#include "base/result.hpp"
#include "lttng/command_line.hpp"
#include "lttng/context.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::lttng {

/// One verb: what it is called, what it takes, what it does.
struct Verb {
  std::string_view name;
  std::string_view usage;  ///< behind the name
  std::string_view summary;
  std::vector<OptionSpec> options;
  /// Returns the exit status; an error is printed as "Error: ..." and ends with its status_of().
  Result<int> (*run)(Context& context, const CommandLine& line);
};

[[nodiscard]] std::span<const Verb> session_verbs();  ///< create, destroy, set-session, start, stop
[[nodiscard]] std::span<const Verb>
channel_verbs();  ///< enable-, disable-channel, reclaim-memory, add-context
[[nodiscard]] std::span<const Verb> event_verbs();     ///< enable-event, disable-event
[[nodiscard]] std::span<const Verb> tracker_verbs();   ///< track, untrack
[[nodiscard]] std::span<const Verb> file_verbs();      ///< load, save
[[nodiscard]] std::span<const Verb> snapshot_verbs();  ///< snapshot
/// rotate, enable-, disable-rotation, clear, regenerate
[[nodiscard]] std::span<const Verb> rotation_verbs();
[[nodiscard]] std::span<const Verb> status_verbs();  ///< list, status, view, version, why-empty

/// nullptr if there is none.
[[nodiscard]] const Verb* find_verb(std::string_view name);
[[nodiscard]] std::vector<std::string> verb_names();

/// Runs a command line of lttng(1), without the program's name. What it prints is in `context`.
[[nodiscard]] int run(Context& context, const std::vector<std::string>& words);

/// The session that a verb is about: --session, or the current one.
[[nodiscard]] Result<std::string> session_for(const Context& context, const CommandLine& line);
/// The domain that a verb is about, of --kernel and --userspace.
///
/// Errors: kInvalidArgument  none or two of them, or one of an agent's.
[[nodiscard]] Result<control::v1::Domain> domain_for(const CommandLine& line);

/// "ust" or "kernel", as LTTng's messages call the domains.
[[nodiscard]] std::string_view domain_word(control::v1::Domain domain);

}  // namespace sillage::lttng
