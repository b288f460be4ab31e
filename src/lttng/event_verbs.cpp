// SPDX-License-Identifier: MIT
#include "lttng/agents.hpp"
#include "lttng/describe.hpp"
#include "lttng/exit_status.hpp"
#include "lttng/verbs.hpp"
#include "session/log_level.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;
using Value = OptionSpec::Value;

/// Of the options that say of what kind events are.
///
/// Errors: kInvalidArgument  two of them.
Result<std::optional<v1::RecordingRule::Kind>> kind_option(const CommandLine& line) {
  const std::pair<const char*, v1::RecordingRule::Kind> kinds[] = {
      {"syscall", v1::RecordingRule::SYSCALL},
      {"probe", v1::RecordingRule::PROBE},
      {"function", v1::RecordingRule::FUNCTION},
      {"userspace-probe", v1::RecordingRule::USERSPACE_PROBE}};
  std::optional<v1::RecordingRule::Kind> found;
  for (const auto& [option, kind] : kinds) {
    if (!line.has(option)) continue;
    if (found || line.has("tracepoint"))
      return fail(Code::kInvalidArgument,
                  "an event is of one kind: leave out --" + std::string(option));
    found = kind;
  }
  if (line.has("tracepoint"))
    found = line.has("kernel") ? v1::RecordingRule::KERNEL_TRACEPOINT
                               : v1::RecordingRule::USER_TRACEPOINT;
  return found;
}

std::string type_word(v1::RecordingRule::Kind kind) {
  switch (kind) {
    case v1::RecordingRule::SYSCALL: return "syscall";
    case v1::RecordingRule::FUNCTION: return "function";
    case v1::RecordingRule::PROBE: return "probe";
    case v1::RecordingRule::USERSPACE_PROBE: return "userspace-probe";
    default: return "tracepoint";
  }
}

Status read_level(const CommandLine& line, v1::RecordingRule* rule) {
  for (const bool only : {false, true}) {
    const auto text = line.value(only ? "loglevel-only" : "loglevel");
    if (!text) continue;
    const auto level = session::parse_log_level(*text);
    if (!level)
      return fail(Code::kInvalidArgument,
                  "Unknown loglevel " + *text + ": " + level.error().text());
    rule->set_level_kind(only ? v1::EventRule::ONLY : v1::EventRule::AT_LEAST_AS_SEVERE);
    rule->set_level(*level);
  }
  return {};
}

/// What all rules of a command line have in common.
Result<v1::RecordingRule> rule_option(const CommandLine& line, v1::Domain domain) {
  v1::RecordingRule rule;
  const auto kind = kind_option(line);
  if (!kind) return tl::unexpected<Error>(kind.error());
  const bool is_user = domain == v1::USER;
  rule.set_kind(kind->value_or(is_user ? v1::RecordingRule::USER_TRACEPOINT
                                       : v1::RecordingRule::KERNEL_TRACEPOINT));
  if (is_user && rule.kind() != v1::RecordingRule::USER_TRACEPOINT)
    return fail(Code::kInvalidArgument, "only the kernel has events of this kind: use --kernel");
  for (const char* option : {"probe", "function", "userspace-probe"})
    if (const auto place = line.value(option)) rule.set_place(*place);
  SILLAGE_TRY(read_level(line, &rule));
  for (const std::string& list : line.values("exclude"))
    for (const std::string& exclusion : split_list(list)) rule.add_exclusions(exclusion);
  rule.set_filter(line.value("filter").value_or(""));
  return rule;
}

std::string what_was_enabled(const v1::RecordingRule& rule, v1::Domain domain,
                             const std::string& channel, const std::string& level) {
  std::string excluding;
  for (const std::string& exclusion : rule.exclusions())
    excluding += (excluding.empty() ? " excluding \"" : ", \"") + exclusion + "\"";
  if (!rule.filter().empty())
    return "Event " + rule.name() + excluding + ": Filter '" + rule.filter() + "' successfully set";
  const std::string word(domain_word(domain));
  if (rule.name() != "*")
    return word + " event " + rule.name() + excluding + " created in channel " + channel;
  const char* what = rule.kind() == v1::RecordingRule::SYSCALL ? " system calls" : " events";
  return "All " + word + what + excluding + " are enabled in channel " + channel +
         (level.empty() ? "" : " for loglevel " + level);
}

Result<int> enable_event(Context& context, const CommandLine& line) {
  if (const Agent* agent = agent_of(line)) return enable_agent_event(context, line, *agent);
  const auto domain = domain_for(line);
  if (!domain) return tl::unexpected<Error>(domain.error());
  auto rule = rule_option(line, *domain);
  if (!rule) return tl::unexpected<Error>(std::move(rule).error());
  std::vector<std::string> names;
  if (!line.words().empty()) names = split_list(line.words()[0]);
  const bool wants_all = line.has("all") || (names.empty() && line.has("syscall"));
  if (wants_all) names = {"*"};
  if (names.empty()) return fail(Code::kInvalidArgument, "Missing event name(s).");
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  const auto channel = line.value("channel");
  const std::string shown_channel = channel.value_or("channel0");
  const std::string level =
      line.value("loglevel-only").value_or(line.value("loglevel").value_or(""));
  MiDocument document("enable-event");
  document.open("events");
  int status = kExitOk;
  for (const std::string& name : names) {
    rule->set_name(name);
    v1::Request request;
    v1::EnableEventRequest* asked = request.mutable_enable_event();
    asked->set_session(*session);
    if (channel) asked->set_channel(*channel);
    *asked->mutable_rule() = *rule;
    auto response = context.call(std::move(request));
    open_rule(*rule, response.has_value(), &document);
    document.boolean("success", response.has_value());
    document.close();
    if (!response) {
      context.complain(fmt::format("{}: {} (channel {}, session {})",
                                   name == "*" ? "Events" : "Event " + name,
                                   response.error().text(), shown_channel, *session));
      status = status_of("enable-event", response.error());
      continue;
    }
    context.say(what_was_enabled(*rule, *domain, shown_channel, level));
    for (const std::string& why : response->enable_event().left_out())
      context.warn("not recorded here: " + why);
  }
  if (context.is_mi) context.out += document.finish(status == kExitOk);
  return status;
}

Result<int> disable_event(Context& context, const CommandLine& line) {
  if (const Agent* agent = agent_of(line)) return disable_agent_event(context, line, *agent);
  const auto domain = domain_for(line);
  if (!domain) return tl::unexpected<Error>(domain.error());
  const auto kind = kind_option(line);
  if (!kind) return tl::unexpected<Error>(kind.error());
  std::vector<std::optional<std::string>> names;
  if (!line.words().empty())
    for (std::string& name : split_list(line.words()[0])) names.emplace_back(std::move(name));
  if (line.has("all-events")) names = {std::nullopt};
  if (names.empty()) return fail(Code::kInvalidArgument, "Missing event name(s).");
  const auto session = session_for(context, line);
  if (!session) return tl::unexpected<Error>(session.error());
  const auto channel = line.value("channel");
  const std::string shown_channel = channel.value_or("channel0");
  MiDocument document("disable-event");
  document.open("channel");
  document.text("name", shown_channel);
  document.open("events");
  int status = kExitOk;
  for (const auto& name : names) {
    v1::Request request;
    v1::DisableEventRequest* asked = request.mutable_disable_event();
    asked->set_session(*session);
    asked->set_domain(*domain);
    if (channel) asked->set_channel(*channel);
    if (name) asked->set_name(*name);
    if (*kind) asked->set_kind(**kind);
    asked->set_remove(line.has("remove"));
    auto response = context.call(std::move(request));
    document.open("event");
    document.text("name", name.value_or("*"));
    document.boolean("enabled", !response.has_value());
    document.boolean("success", response.has_value());
    document.close();
    const char* done = line.has("remove") ? "removed" : "disabled";
    const std::string of_type = " of type " + (*kind ? type_word(**kind) : std::string("any"));
    const std::string word(domain_word(*domain));
    if (!response) {
      context.complain(fmt::format("{}{} : {} (channel {}, session {})", name.value_or("events"),
                                   of_type, response.error().text(), shown_channel, *session));
      status = status_of("disable-event", response.error());
    } else if (name) {
      context.say(fmt::format("{} {}{} {} in channel {} for session {}", word, *name, of_type, done,
                              shown_channel, *session));
    } else {
      context.say(
          fmt::format("All {} events{} are {} in channel {}", word, of_type, done, shown_channel));
    }
  }
  if (context.is_mi) context.out += document.finish(status == kExitOk);
  return status;
}

std::vector<OptionSpec> event_options(bool enables) {
  std::vector<OptionSpec> options = {{"kernel", 'k'},
                                     {"userspace", 'u'},
                                     {"jul", 'j'},
                                     {"log4j", 'l'},
                                     {"log4j2"},
                                     {"python", 'p'},
                                     {"session", 's', Value::kNeeded},
                                     {"channel", 'c', Value::kNeeded},
                                     {"tracepoint"},
                                     {"syscall"}};
  const Value place = enables ? Value::kNeeded : Value::kNone;
  for (const char* probe : {"probe", "function", "userspace-probe"})
    options.push_back({probe, 0, place});
  if (!enables) {
    options.push_back({"all-events", 'a'});
    options.push_back({"remove"});
    return options;
  }
  options.push_back({"all", 'a'});
  options.push_back({"exclude", 'x', Value::kNeeded});
  options.push_back({"filter", 'f', Value::kNeeded});
  options.push_back({"loglevel", 0, Value::kNeeded});
  options.push_back({"loglevel-only", 0, Value::kNeeded});
  return options;
}

}  // namespace

std::span<const Verb> event_verbs() {
  static const std::array<Verb, 2> verbs = {{
      {"enable-event",
       "(--kernel | --userspace) [--session=NAME] [--channel=CHANNEL] [OPTIONS] EVENT[,EVENT...]",
       "Create or enable recording event rules", event_options(true), enable_event},
      {"disable-event",
       "(--kernel | --userspace) [--session=NAME] [--channel=CHANNEL] [--remove] EVENT[,EVENT...]",
       "Disable recording event rules", event_options(false), disable_event},
  }};
  return verbs;
}

}  // namespace sillage::lttng
