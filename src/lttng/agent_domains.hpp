// SPDX-License-Identifier: MIT
// Rules of logging agents, as LTTng shows them: in a domain of their own, by logger and level.
#pragma once

#include "control/control.pb.h"
#include "lttng/agents.hpp"
#include "lttng/mi_document.hpp"

#include <optional>
#include <string>

namespace sillage::lttng {

/// What agent_rule() made a rule of.
struct AgentRule {
  std::string logger;  ///< a pattern; "*" of all
  /// By name, or number if that has none; none: any level.
  std::optional<std::string> level;
  bool is_level_only = false;
};

/// Reads logger and level back from the filter that agent_rule() makes of them.
[[nodiscard]] AgentRule agent_rule_of(const Agent& agent, const std::string& filter);

/// The agent whose channel has the rule; nullptr if it is a plain rule for a tracepoint.
[[nodiscard]] const Agent* agent_of(const control::v1::SessionChannel& channel,
                                    const control::v1::SessionRule& rule);

/// The agents' domains of a session, as `lttng list SESSION` prints them behind the others; of one alone if `only` is not null.
[[nodiscard]] std::string agent_domains_text(const control::v1::Session& session,
                                             const Agent* only);
/// Their names, as `lttng list --domain` prints them.
[[nodiscard]] std::string agent_domain_names(const control::v1::Session& session);
/// As <domain> elements; without what is in them if `only_domains`.
void write_agent_domains(const control::v1::Session& session, const Agent* only, bool only_domains,
                         MiDocument* document);

/// The loggers of running programs, as `lttng list` with an agent's option prints them.
[[nodiscard]] std::string loggers_text(const Agent& agent,
                                       const control::v1::ListLoggersResponse& list);
void write_loggers(const Agent& agent, const control::v1::ListLoggersResponse& list,
                   MiDocument* document);

}  // namespace sillage::lttng
