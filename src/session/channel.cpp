// SPDX-License-Identifier: MIT
#include "session/channel.hpp"

#include "session/checks.hpp"
#include "session/glob.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace sillage::session {
namespace {

constexpr std::size_t kMaxContexts = 32;         // SILLAGE_APP_MAX_CONTEXTS
constexpr std::uint32_t kFirstAppContext = 128;  // SILLAGE_CONTEXT_APP
constexpr std::uint32_t kFirstCounter = 160;     // SILLAGE_CONTEXT_COUNTER
constexpr std::size_t kMaxAppContextName = 255;

}  // namespace

Result<Channel> Channel::create(ChannelOptions options) {
  if (!can_be_file_name(options.name)) {
    return fail(
        Code::kInvalidArgument,
        "a channel's name must be 1 to 223 bytes without a slash: \"" + options.name + "\"");
  }
  if (options.overwrite && options.blocking_timeout.value != 0) {
    return fail(Code::kInvalidArgument,
                "an overwrite channel never waits: leave out --overwrite or --blocking-timeout");
  }
  if (options.subbuf_bytes && options.subbuf_bytes->value == 0) {
    return fail(Code::kInvalidArgument, "a sub-buffer must have a size above 0");
  }
  if (options.subbuf_count && *options.subbuf_count == 0) {
    return fail(Code::kInvalidArgument, "a channel must have at least one sub-buffer");
  }
  return Channel(std::move(options));
}

Status Channel::add_rule(EventRule rule) {
  if (!is_pattern(rule.pattern)) {
    return fail(Code::kInvalidArgument, "an event pattern must be 1 to 1024 bytes long");
  }
  if (rule.exclusions.size() > kMaxExclusions ||
      !std::all_of(rule.exclusions.begin(), rule.exclusions.end(), is_pattern)) {
    return fail(Code::kInvalidArgument,
                "exclusions must be 1 to 1024 bytes long, at most 65536 of them");
  }
  if (!rule.exclusions.empty() && !is_glob(rule.pattern)) {
    return fail(Code::kInvalidArgument,
                "\"" + rule.pattern +
                    "\" names one event, so nothing can be excluded from it: use a "
                    "pattern with * or leave out the exclusion");
  }
  if (std::find(rules_.begin(), rules_.end(), rule) != rules_.end()) {
    return fail(Code::kAlreadyExists, "the rule for \"" + rule.pattern + "\" is there already");
  }
  rules_.push_back(std::move(rule));
  return {};
}

Status Channel::remove_rule(const EventRule& rule) {
  auto found = std::find(rules_.begin(), rules_.end(), rule);
  if (found == rules_.end()) {
    return fail(Code::kNotFound, "there is no such rule for \"" + rule.pattern + "\"");
  }
  rules_.erase(found);
  return {};
}

namespace {

// As in ctf::contexts_class().
std::string field_name(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '.' || c == ':' || c == '-'; }, '_');
  return text;
}

}  // namespace

bool is_app_context(std::string_view name) {
  constexpr std::string_view kPrefix = "$app.";
  const std::size_t colon = name.find(':');
  if (!name.starts_with(kPrefix) || name.size() > kMaxAppContextName ||
      colon == std::string_view::npos || colon == kPrefix.size() || colon + 1 == name.size())
    return false;
  name.remove_prefix(kPrefix.size());
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == ':' || c == '-';
  });
}

Status Channel::add_app_context(const std::string& name) {
  if (!is_app_context(name))
    return fail(Code::kInvalidArgument, "the context " + name +
                                            " of an application is not \"$app.PROVIDER:TYPE\" of "
                                            "letters, digits, '_', '-' and '.'");
  for (const std::string& other : app_contexts_) {
    // Of each there are two fields, whose names are made of these.
    const std::string mine = field_name(name), its = field_name(other);
    if (mine == its || mine == its + "_tag" || its == mine + "_tag")
      return fail(Code::kAlreadyExists,
                  "the channel has the context " + other + ", which is called the same in traces");
  }
  SILLAGE_TRY(add_context(kFirstAppContext + static_cast<std::uint32_t>(app_contexts_.size())));
  app_contexts_.push_back(name);
  return {};
}

Status Channel::add_counter(const std::string& context) {
  auto counter = parse_perf_counter(context, CountersOf::kThreads);
  if (!counter) return tl::unexpected<Error>(std::move(counter).error());
  for (const PerfCounter& other : counters_)
    if (other.field == counter->field)
      return fail(Code::kAlreadyExists, "the channel has a counter that is called " + other.field +
                                            " in traces, as " + context + " would be");
  SILLAGE_TRY(add_context(kFirstCounter + static_cast<std::uint32_t>(counters_.size())));
  counters_.push_back(std::move(*counter));
  return {};
}

Status Channel::add_context(std::uint32_t context) {
  if (std::find(contexts_.begin(), contexts_.end(), context) != contexts_.end()) {
    return fail(Code::kAlreadyExists, "the channel has this context already");
  }
  if (contexts_.size() == kMaxContexts) {
    return fail(Code::kLimit, "a channel can have at most 32 contexts");
  }
  contexts_.push_back(context);
  return {};
}

namespace {

bool is_of_state(std::string_view name) {
  return name.starts_with("lttng_ust_statedump:") || name.starts_with("lttng_ust_lib:");
}

}  // namespace

Verdict Channel::judge_by(const EventRule& rule, std::string_view name, std::uint8_t level) const {
  if (!glob_matches(rule.pattern, name)) return Verdict::kNoRule;
  if (is_of_state(name) && rule.pattern.starts_with('*') &&
      std::find(contexts_.begin(), contexts_.end(), kAddressContext) == contexts_.end())
    return Verdict::kNoRule;
  if (!rule.level.accepts(level)) return Verdict::kLevel;
  const bool is_excluded =
      std::any_of(rule.exclusions.begin(), rule.exclusions.end(),
                  [&](const std::string& pattern) { return glob_matches(pattern, name); });
  return is_excluded ? Verdict::kExcluded : Verdict::kRecorded;
}

Verdict Channel::judge(std::string_view name, std::uint8_t level) const {
  Verdict best = Verdict::kNoRule;
  for (const EventRule& rule : rules_) best = std::max(best, judge_by(rule, name, level));
  return best;
}

bool Channel::wants_state() const {
  constexpr std::uint8_t kDebugLine = 13;  // of these events
  return std::ranges::any_of(
      std::array{"start", "bin_info", "build_id", "debug_link", "procname", "end"},
      [&](const char* event) {
        return judge(std::string("lttng_ust_statedump:") + event, kDebugLine) == Verdict::kRecorded;
      });
}

std::vector<const EventRule*> Channel::rules_for(std::string_view name, std::uint8_t level) const {
  std::vector<const EventRule*> wanting;
  for (const EventRule& rule : rules_)
    if (judge_by(rule, name, level) == Verdict::kRecorded) wanting.push_back(&rule);
  return wanting;
}

}  // namespace sillage::session
