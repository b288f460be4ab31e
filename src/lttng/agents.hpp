// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"
#include "lttng/command_line.hpp"
#include "lttng/context.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sillage::lttng {

/// A logging library whose messages come as events of one tracepoint, which its LTTng-UST agent has. Rules name loggers
/// and levels of the library; what is enabled is that tracepoint, with a filter of its fields.
struct Agent {
  struct Level {
    std::string_view name;
    int number;
  };
  std::string_view name;     ///< the option, and LTTng's word
  std::string_view prefix;   ///< of levels' names, which may be left out
  std::string_view event;    ///< the tracepoint
  std::string_view channel;  ///< LTTng's name of the channel that has it
  std::string_view title;    ///< of the domain, for people
  std::string_view listed;   ///< the same where domains are listed
  std::string_view element;  ///< of the domain, in the machine interface
  std::uint32_t number;      ///< in the agents' protocol
  bool is_reversed;          ///< lower numbers are more severe
  std::span<const Level> levels;
};

/// All, in the order in which LTTng lists their domains.
[[nodiscard]] std::span<const Agent> all_agents();

/// The one that an option of the command line names; nullptr if none does.
[[nodiscard]] const Agent* agent_of(const CommandLine& line);

/// The rule for a logger: a pattern, "*" for all.
///
/// Errors: kInvalidArgument  an unknown level.
/// Source: the filters that `lttng list` of LTTng 2.13 shows for such rules.
[[nodiscard]] Result<control::v1::RecordingRule> agent_rule(const Agent& agent,
                                                            std::string_view logger,
                                                            const CommandLine& line);

/// `enable-event` and `disable-event` with the option of an agent.
[[nodiscard]] Result<int> enable_agent_event(Context& context, const CommandLine& line,
                                             const Agent& agent);
[[nodiscard]] Result<int> disable_agent_event(Context& context, const CommandLine& line,
                                              const Agent& agent);

}  // namespace sillage::lttng
