// SPDX-License-Identifier: MIT
#include "sillaged/session_plan.hpp"

#include "ctf/layout.hpp"
#include "filter/parser.hpp"
#include "session/nearest.hpp"
#include "sillaged/user_filters.hpp"

#include <optional>
#include <utility>

namespace sillage::daemon {
namespace {

using session::ChannelSettings;
using session::Domain;
using session::RecordingRule;
using session::SessionChannel;

Result<std::uint32_t> context_number(const std::string& name) {
  std::vector<std::string> names;
  for (std::uint32_t number = 1; ctf::is_context(number); ++number) {
    names.emplace_back(ctf::context_name(number));
    if (names.back() == name) return number;
  }
  const auto near = session::nearest_names(name, names, 1);
  return fail(Code::kNotFound, "Unknown context type " + name + " of programs' events" +
                                   (near.empty() ? "" : "; did you mean " + near[0] + "?"));
}

// Read, monitor and watchdog timers need nothing done: rings are read all the time, and no writer can leave one in a
// state that needs repair.
Result<session::Channel> user_channel_of(const SessionChannel& from) {
  const ChannelSettings& settings = from.settings;
  session::ChannelOptions options;
  options.name = settings.name;
  options.overwrite = settings.overwrite;
  options.subbuf_bytes = settings.subbuf_bytes;
  options.subbuf_count = settings.subbuf_count;
  options.blocking_timeout = settings.blocking_timeout;
  options.ownership = settings.ownership;
  options.one_buffer = settings.allocation == session::BufferAllocation::kPerChannel;
  options.tracefile_bytes = settings.tracefile_bytes;
  options.tracefile_count = settings.tracefile_count;
  options.switch_period = settings.switch_timer;
  options.reclaim_age = settings.reclaim_age;
  options.preallocate = settings.preallocation == session::BufferPreallocation::kAtOnce;
  auto channel = session::Channel::create(std::move(options));
  if (!channel) return channel;
  for (const SessionChannel::Rule& entry : from.rules) {
    if (!from.is_enabled || !entry.is_enabled) continue;
    SILLAGE_TRY(channel->add_rule(
        {entry.rule.name, entry.rule.exclusions, entry.rule.level, entry.rule.filter}));
  }
  for (const std::string& name : from.contexts) {
    if (session::is_app_context(name)) {
      SILLAGE_TRY(channel->add_app_context(name));
      continue;
    }
    const auto number = context_number(name);
    if (!number) return tl::unexpected<Error>(number.error());
    SILLAGE_TRY(channel->add_context(*number));
  }
  if (auto filters = UserFilters::parse(*channel); !filters)
    return tl::unexpected<Error>(std::move(filters).error());
  return channel;
}

session::KernelRule kernel_rule_of(const RecordingRule& from) {
  using Kind = session::KernelRule::Kind;
  session::KernelRule rule;
  rule.exclusions = from.exclusions;
  rule.filter = from.filter;
  rule.pattern = from.place;
  rule.event_name = from.name;
  switch (from.kind) {
    case RecordingRule::Kind::kUserTracepoint:
    case RecordingRule::Kind::kKernelTracepoint: rule.kind = Kind::kTracepoint; break;
    case RecordingRule::Kind::kSyscall: rule.kind = Kind::kSyscall; break;
    case RecordingRule::Kind::kFunction: rule.kind = Kind::kFunction; break;
    case RecordingRule::Kind::kProbe: rule.kind = Kind::kProbe; break;
    case RecordingRule::Kind::kUserspaceProbe: rule.kind = Kind::kUserspaceProbe; break;
  }
  if (from.place.empty()) std::swap(rule.pattern, rule.event_name);
  return rule;
}

/// What inclusion sets demand of events, as a filter: "" if they leave nobody out, nothing if they leave out all.
std::optional<std::string> filter_of(const session::InclusionSets& sets) {
  std::string filter;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (sets[i].policy() == session::InclusionSet::Policy::kNone) return std::nullopt;
    if (sets[i].policy() == session::InclusionSet::Policy::kAll) continue;
    const std::string context =
        "$ctx." + std::string(session::attribute_name(static_cast<session::ProcessAttribute>(i))) +
        " == ";
    std::string any;
    for (const auto& [value, name] : sets[i].values())
      any += (any.empty() ? "(" : " || ") + context + std::to_string(value);
    filter += (filter.empty() ? "" : " && ") + any + ")";
  }
  return filter;
}

/// Adds a rule with its own filter and that of the inclusion sets.
Status add_kernel_rule(const RecordingRule& rule, const std::string& included,
                       session::KernelChannel* channel) {
  session::KernelRule added = kernel_rule_of(rule);
  if (!included.empty() && added.filter.empty()) {
    added.filter = included;
  } else if (!included.empty()) {
    // Alone first, for the columns of what is wrong with it.
    if (auto tree = filter::parse(added.filter); !tree)
      return tl::unexpected<Error>(std::move(tree).error());
    added.filter = "(" + added.filter + ") && " + included;
  }
  Status done = channel->add_rule(std::move(added));
  if (!done && !included.empty() && done.error().code == Code::kInvalidArgument)
    return fail(Code::kLimit,
                "the inclusion sets and the filter of " + rule.name +
                    " are too long together: track fewer processes, or use uid and gid");
  return done;
}

Result<session::KernelChannel> kernel_channel_of(const SessionChannel& from,
                                                 const session::InclusionSets& inclusion) {
  const ChannelSettings& settings = from.settings;
  session::KernelChannelOptions options;
  options.name = settings.name;
  options.overwrite = settings.overwrite;
  options.subbuf_bytes = settings.subbuf_bytes;
  options.subbuf_count = settings.subbuf_count;
  options.tracefile_bytes = settings.tracefile_bytes;
  options.tracefile_count = settings.tracefile_count;
  options.switch_period = settings.switch_timer;
  options.may_change = true;
  auto channel = session::KernelChannel::create(std::move(options));
  if (!channel) return channel;
  const auto included = filter_of(inclusion);
  for (const SessionChannel::Rule& entry : from.rules) {
    if (!from.is_enabled || !entry.is_enabled || !included) continue;
    SILLAGE_TRY(add_kernel_rule(entry.rule, *included, &*channel));
  }
  for (const std::string& name : from.contexts) SILLAGE_TRY(channel->add_context(name));
  return channel;
}

}  // namespace

Result<session::RecordingSession> plan_of(const session::Session& session) {
  const session::Session::Options& asked = session.options();
  session::RecordingSession::Options options;
  options.name = asked.name;
  options.in_memory = asked.mode != session::OutputMode::kLocal;
  if (!options.in_memory) options.output_path = asked.output_path;
  options.format = asked.format;
  options.inclusion = session.inclusion_sets(Domain::kUser);
  auto plan = session::RecordingSession::create(std::move(options));
  if (!plan) return plan;
  for (const SessionChannel& each : session.channels(Domain::kUser)) {
    auto channel = user_channel_of(each);
    if (!channel) return tl::unexpected<Error>(std::move(channel).error());
    SILLAGE_TRY(plan->add_channel(*std::move(channel)));
  }
  for (const SessionChannel& each : session.channels(Domain::kKernel)) {
    auto channel = kernel_channel_of(each, session.inclusion_sets(Domain::kKernel));
    if (!channel) return tl::unexpected<Error>(std::move(channel).error());
    SILLAGE_TRY(plan->add_kernel_channel(*std::move(channel)));
  }
  return plan;
}

}  // namespace sillage::daemon
