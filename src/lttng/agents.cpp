// SPDX-License-Identifier: MIT
#include "lttng/agents.hpp"

#include "lttng/describe.hpp"
#include "lttng/mi_document.hpp"
#include "lttng/verbs.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <climits>
#include <vector>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
using Level = Agent::Level;

// Source: parity U27 and the libraries' own numbers (java.util.logging.Level, org.apache.log4j.Level,
// org.apache.logging.log4j.spi.StandardLevel, Python's logging).
constexpr Level kJul[] = {{"OFF", INT_MAX}, {"SEVERE", 1000}, {"WARNING", 900},
                          {"INFO", 800},    {"CONFIG", 700},  {"FINE", 500},
                          {"FINER", 400},   {"FINEST", 300},  {"ALL", INT_MIN}};
constexpr Level kLog4j[] = {{"OFF", INT_MAX}, {"FATAL", 50000}, {"ERROR", 40000}, {"WARN", 30000},
                            {"INFO", 20000},  {"DEBUG", 10000}, {"TRACE", 5000},  {"ALL", INT_MIN}};
constexpr Level kLog4j2[] = {{"OFF", 0},    {"FATAL", 100}, {"ERROR", 200}, {"WARN", 300},
                             {"INFO", 400}, {"DEBUG", 500}, {"TRACE", 600}, {"ALL", INT_MAX}};
constexpr Level kPython[] = {{"CRITICAL", 50}, {"ERROR", 40}, {"WARNING", 30},
                             {"INFO", 20},     {"DEBUG", 10}, {"NOTSET", 0}};

const Agent kAgents[] = {
    {"log4j", "LOG4J_", "lttng_log4j:event", "lttng_log4j_channel", "log4j",
     "LOG4j (Logging for Java)", "LOG4J", 4, false, kLog4j},
    {"log4j2", "LOG4J2_", "lttng_log4j2:event", "lttng_log4j2_channel", "log4j2",
     "LOG4J2 (Logging for Java)", "LOG4J2", 6, true, kLog4j2},
    {"jul", "JUL_", "lttng_jul:event", "lttng_jul_channel", "java.util.logging (JUL)",
     "JUL (Java Util Logging)", "JUL", 3, false, kJul},
    {"python", "PYTHON_", "lttng_python:event", "lttng_python_channel", "Python logging",
     "Python (logging)", "PYTHON", 5, false, kPython},
};

Result<int> parse_level(const Agent& agent, const std::string& text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  std::string upper;
  for (char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  std::string_view name = upper;
  if (name.starts_with(agent.prefix)) name.remove_prefix(agent.prefix.size());
  std::string all;
  for (const Level& level : agent.levels) {
    if (name == level.name) return level.number;
    all.append(" ").append(level.name);
  }
  return fail(Code::kInvalidArgument, "Unknown loglevel " + text + ": use one of" + all);
}

void add_condition(const std::string& condition, std::string* filter) {
  *filter = filter->empty() ? condition : "(" + *filter + ") && (" + condition + ")";
}

std::string logger_condition(std::string_view logger) {
  std::string text = "logger_name == \"";
  for (const char c : logger) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

/// LTTng puts all of an agent's rules into one channel, which the first of them makes.
Status make_channel(Context& context, const Agent& agent, const std::string& session) {
  v1::Request request;
  v1::EnableChannelRequest* asked = request.mutable_enable_channel();
  asked->set_session(session);
  asked->set_domain(v1::USER);
  asked->mutable_options()->set_name(std::string(agent.channel));
  auto response = context.call(std::move(request));
  if (response || response.error().code == Code::kAlreadyExists) return {};
  return tl::unexpected<Error>(std::move(response).error());
}

Result<v1::EnableEventResponse> enable(Context& context, const Agent& agent,
                                       const std::string& session, const v1::RecordingRule& rule) {
  SILLAGE_TRY(make_channel(context, agent, session));
  v1::Request request;
  v1::EnableEventRequest* asked = request.mutable_enable_event();
  asked->set_session(session);
  asked->set_channel(std::string(agent.channel));
  *asked->mutable_rule() = rule;
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  return response->enable_event();
}

/// The filters of an agent's rules in a session, of one logger or of all.
Result<std::vector<std::string>> filters_of(Context& context, const Agent& agent,
                                            const std::string& session,
                                            const std::optional<std::string>& logger) {
  v1::Request request;
  request.mutable_list_sessions()->set_name(session);
  auto response = context.call(std::move(request));
  if (!response) return tl::unexpected<Error>(std::move(response).error());
  const std::string condition = logger_condition(logger.value_or(""));
  std::vector<std::string> filters;
  for (const v1::Session& each : response->list_sessions().sessions())
    for (const v1::SessionDomain& domain : each.domains())
      for (const v1::SessionChannel& channel : domain.channels()) {
        if (domain.domain() != v1::USER || channel.options().name() != agent.channel) continue;
        for (const v1::SessionRule& entry : channel.rules())
          if (entry.rule().name() == agent.event &&
              (!logger || entry.rule().filter().find(condition) != std::string::npos))
            filters.push_back(entry.rule().filter());
      }
  return filters;
}

Status disable(Context& context, const Agent& agent, const std::string& session,
               const std::optional<std::string>& logger, bool removes) {
  const auto filters = filters_of(context, agent, session, logger);
  if (!filters) return tl::unexpected<Error>(filters.error());
  if (filters->empty())
    return fail(Code::kNotFound,
                "UST event not found: there is no rule for " + logger.value_or("any logger"));
  for (const std::string& filter : *filters) {
    v1::Request request;
    v1::DisableEventRequest* asked = request.mutable_disable_event();
    asked->set_session(session);
    asked->set_domain(v1::USER);
    asked->set_channel(std::string(agent.channel));
    asked->set_name(std::string(agent.event));
    asked->set_filter(filter);
    asked->set_remove(removes);
    auto response = context.call(std::move(request));
    // One of several may be disabled already.
    if (!response && (filters->size() == 1 || response.error().code != Code::kAlreadyExists))
      return tl::unexpected<Error>(std::move(response).error());
  }
  return {};
}

}  // namespace

std::span<const Agent> all_agents() { return kAgents; }

const Agent* agent_of(const CommandLine& line) {
  for (const Agent& agent : kAgents)
    if (line.has(agent.name)) return &agent;
  return nullptr;
}

Result<v1::RecordingRule> agent_rule(const Agent& agent, std::string_view logger,
                                     const CommandLine& line) {
  v1::RecordingRule rule;
  rule.set_kind(v1::RecordingRule::USER_TRACEPOINT);
  rule.set_name(std::string(agent.event));
  std::string filter = line.value("filter").value_or("");
  if (logger != "*") add_condition(logger_condition(logger), &filter);
  for (const bool only : {false, true}) {
    const auto text = line.value(only ? "loglevel-only" : "loglevel");
    if (!text) continue;
    const auto level = parse_level(agent, *text);
    if (!level) return tl::unexpected<Error>(level.error());
    const char* relation = only ? "==" : agent.is_reversed ? "<=" : ">=";
    add_condition(std::string("int_loglevel ") + relation + " " + std::to_string(*level), &filter);
  }
  rule.set_filter(filter);
  return rule;
}

Result<int> enable_agent_event(Context& context, const CommandLine& line, const Agent& agent) {
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  std::vector<std::string> names;
  if (!line.words().empty()) names = split_list(line.words()[0]);
  if (line.has("all")) names = {"*"};
  if (names.empty()) return fail(Code::kInvalidArgument, "Missing event name(s).");
  const std::string word(agent.name), channel = line.value("channel").value_or("channel0");
  const std::string level =
      line.value("loglevel-only").value_or(line.value("loglevel").value_or(""));
  MiDocument document("enable-event");
  document.open("events");
  int status = kExitOk;
  for (const std::string& name : names) {
    auto rule = agent_rule(agent, name, line);
    if (!rule) return tl::unexpected<Error>(std::move(rule).error());
    const auto done = enable(context, agent, *session, *rule);
    rule->set_name(name);
    open_rule(*rule, done.has_value(), &document);
    document.boolean("success", done.has_value());
    document.close();
    if (!done) {
      context.complain(fmt::format("{}: {} (channel {}, session {})",
                                   name == "*" ? "Events" : "Event " + name, done.error().text(),
                                   channel, *session));
      status = kExitError;
    } else if (line.has("filter")) {
      context.say(fmt::format("Event {}: Filter '{}' successfully set", name,
                              line.value("filter").value_or("")));
    } else if (name == "*") {
      context.say(fmt::format("All {} events are enabled in channel {}{}", word, channel,
                              level.empty() ? "" : " for loglevel " + level));
    } else {
      context.say(fmt::format("{} event {} enabled", word, name));
    }
  }
  if (context.is_mi) context.out += document.finish(status == kExitOk);
  return status;
}

Result<int> disable_agent_event(Context& context, const CommandLine& line, const Agent& agent) {
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  std::vector<std::optional<std::string>> loggers;
  if (!line.words().empty())
    for (std::string& name : split_list(line.words()[0])) loggers.emplace_back(std::move(name));
  if (line.has("all-events")) loggers = {std::nullopt};
  if (loggers.empty()) return fail(Code::kInvalidArgument, "Missing event name(s).");
  const std::string word(agent.name), channel = line.value("channel").value_or("channel0");
  const bool removes = line.has("remove");
  const std::string done_word = removes ? "removed" : "disabled";
  MiDocument document("disable-event");
  document.open("channel");
  document.text("name", channel);
  document.open("events");
  int status = kExitOk;
  for (const auto& logger : loggers) {
    const Status done = disable(context, agent, *session, logger, removes);
    document.open("event");
    document.text("name", logger.value_or("*"));
    document.boolean("enabled", !done.has_value());
    document.boolean("success", done.has_value());
    document.close();
    if (!done) {
      context.complain(fmt::format("{} of type any : {} (channel {}, session {})",
                                   logger.value_or("events"), done.error().text(), channel,
                                   *session));
      status = kExitError;
    } else if (logger) {
      context.say(fmt::format("{} {} of type any {} in channel {} for session {}", word, *logger,
                              done_word, channel, *session));
    } else {
      context.say(
          fmt::format("All {} events of type any are {} in channel {}", word, done_word, channel));
    }
  }
  if (context.is_mi) context.out += document.finish(status == kExitOk);
  return status;
}

}  // namespace sillage::lttng
