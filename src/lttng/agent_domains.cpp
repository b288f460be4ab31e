// SPDX-License-Identifier: MIT
#include "lttng/agent_domains.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

/// Takes the last condition that begins with `field` from a filter, if there is one; `*filter` is what stands before it.
std::optional<std::string_view> take_last(std::string_view field, std::string_view* filter) {
  if (filter->starts_with(field) && filter->find(" && (") == std::string_view::npos) {
    const std::string_view condition = *filter;
    *filter = {};
    return condition;
  }
  constexpr std::string_view kAnd = ") && (";
  if (!filter->starts_with('(') || !filter->ends_with(')')) return std::nullopt;
  const std::size_t at = filter->rfind(kAnd);
  if (at == std::string_view::npos) return std::nullopt;
  std::string_view condition = filter->substr(at + kAnd.size());
  condition.remove_suffix(1);
  if (!condition.starts_with(field)) return std::nullopt;
  *filter = filter->substr(1, at - 1);
  return condition;
}

std::string level_name(const Agent& agent, std::string_view number) {
  int value = 0;
  std::from_chars(number.data(), number.data() + number.size(), value);
  for (const Agent::Level& level : agent.levels)
    if (level.number == value) return std::string(agent.prefix) + std::string(level.name);
  return std::string(number);
}

/// The text between the quotes of a condition.
std::string quoted(std::string_view condition) {
  std::string text;
  for (std::size_t i = 0; i < condition.size() && condition[i] != '"'; ++i) {
    if (condition[i] == '\\' && i + 1 < condition.size()) ++i;
    text += condition[i];
  }
  return text;
}

std::vector<const v1::SessionRule*> rules_of(const v1::Session& session, const Agent& agent) {
  std::vector<const v1::SessionRule*> rules;
  for (const v1::SessionDomain& domain : session.domains())
    for (const v1::SessionChannel& channel : domain.channels())
      for (const v1::SessionRule& rule : channel.rules())
        if (domain.domain() == v1::USER && agent_of(channel, rule) == &agent)
          rules.push_back(&rule);
  return rules;
}

bool is_per_process(const v1::Session& session, const Agent& agent) {
  for (const v1::SessionDomain& domain : session.domains())
    for (const v1::SessionChannel& channel : domain.channels())
      if (channel.options().name() == agent.channel) return channel.options().per_process();
  return false;
}

}  // namespace

AgentRule agent_rule_of(const Agent& agent, const std::string& filter) {
  constexpr std::string_view kLevel = "int_loglevel ", kLogger = "logger_name == \"";
  AgentRule rule{"*", std::nullopt};
  std::string_view rest = filter;
  if (auto condition = take_last(kLevel, &rest)) {
    condition->remove_prefix(kLevel.size());
    rule.is_level_only = condition->starts_with("==");
    const std::size_t space = condition->find(' ');
    rule.level = level_name(agent, condition->substr(std::min(space + 1, condition->size())));
  }
  if (auto condition = take_last(kLogger, &rest))
    rule.logger = quoted(condition->substr(kLogger.size()));
  return rule;
}

const Agent* agent_of(const v1::SessionChannel& channel, const v1::SessionRule& rule) {
  for (const Agent& agent : all_agents())
    if (channel.options().name() == agent.channel && rule.rule().name() == agent.event)
      return &agent;
  return nullptr;
}

std::string agent_domains_text(const v1::Session& session, const Agent* only) {
  std::string text;
  for (const Agent& agent : all_agents()) {
    const auto rules = rules_of(session, agent);
    if (rules.empty() || (only != nullptr && only != &agent)) continue;
    text += "=== Domain: " + std::string(agent.title) +
            " ===\n\nEvents (Logger name):\n---------------------\n";
    for (const v1::SessionRule* entry : rules) {
      const std::string& filter = entry->rule().filter();
      const AgentRule rule = agent_rule_of(agent, filter);
      text += "    - " + rule.logger + (entry->is_enabled() ? " [enabled]" : " [disabled]");
      if (rule.level)
        text += std::string(" (loglevel ") + (rule.is_level_only ? "==" : "<=") + " " +
                *rule.level + ")";
      text += (filter.empty() ? "" : " [filter: '" + filter + "']") + "\n";
    }
    text += "\n";
  }
  return text;
}

std::string agent_domain_names(const v1::Session& session) {
  std::string text;
  for (const Agent& agent : all_agents())
    if (!rules_of(session, agent).empty()) text += "  - " + std::string(agent.listed) + "\n";
  return text;
}

void write_agent_domains(const v1::Session& session, const Agent* only, bool only_domains,
                         MiDocument* document) {
  for (const Agent& agent : all_agents()) {
    const auto rules = rules_of(session, agent);
    if (rules.empty() || (only != nullptr && only != &agent)) continue;
    document->open("domain");
    document->text("type", agent.element);
    document->text("buffer_type", is_per_process(session, agent) ? "PER_PID" : "PER_UID");
    if (!only_domains) {
      document->open("events");
      for (const v1::SessionRule* entry : rules) {
        const std::string& filter = entry->rule().filter();
        const AgentRule rule = agent_rule_of(agent, filter);
        document->open("event");
        document->text("name", rule.logger);
        document->text("type", "TRACEPOINT");
        document->boolean("enabled", entry->is_enabled());
        if (!filter.empty()) document->text("filter_expression", filter);
        document->text("loglevel", rule.level.value_or(std::string(agent.prefix) +
                                                       std::string(agent.levels.back().name)));
        document->text("loglevel_type", !rule.level          ? "ALL"
                                        : rule.is_level_only ? "SINGLE"
                                                             : "RANGE");
        document->open("exclusions");
        document->close();
        document->close();
      }
      document->close();
    }
    document->close();
  }
}

std::string loggers_text(const Agent& agent, const v1::ListLoggersResponse& list) {
  std::string text =
      std::string(agent.name) + " events (Logger name):\n-------------------------\n";
  if (list.agents().empty()) text += "None\n";
  for (const auto& from : list.agents()) {
    text += "\nPID: " + std::to_string(from.pid()) + " - Name: " + from.name() + "\n";
    for (const std::string& logger : from.loggers()) text += "      - " + logger + "\n";
  }
  return text + "\n";
}

void write_loggers(const Agent& agent, const v1::ListLoggersResponse& list, MiDocument* document) {
  document->open("domains");
  document->open("domain");
  document->text("type", agent.element);
  document->text("buffer_type", "PER_PID");
  document->open("pids");
  for (const auto& from : list.agents()) {
    document->open("pid");
    document->number("id", from.pid());
    document->text("name", from.name());
    document->open("events");
    for (const std::string& logger : from.loggers()) {
      document->open("event");
      document->text("name", logger);
      document->text("type", "TRACEPOINT");
      document->boolean("enabled", true);
      document->text("loglevel", std::string(agent.prefix) + std::string(agent.levels.back().name));
      document->text("loglevel_type", "ALL");
      document->open("exclusions");
      document->close();
      document->close();
    }
    document->close();
    document->close();
  }
}

}  // namespace sillage::lttng
