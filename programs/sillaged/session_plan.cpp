// SPDX-License-Identifier: MIT
#include "sillaged/session_plan.hpp"

#include "ctf/layout.hpp"
#include "filter/parser.hpp"
#include "ring/geometry.hpp"
#include "session/nearest.hpp"
#include "session/perf_counters.hpp"
#include "sillaged/recording_options.hpp"
#include "sillaged/user_filters.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
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

// What channels of both domains have. Read, monitor and watchdog timers need nothing done: rings are read all the time, and no
// writer can leave one in a state that needs repair.
template <class Options>
Options options_of(const ChannelSettings& settings) {
  Options options;
  options.name = settings.name;
  options.overwrite = settings.overwrite;
  options.subbuf_bytes = settings.subbuf_bytes;
  options.subbuf_count = settings.subbuf_count;
  options.tracefile_bytes = settings.tracefile_bytes;
  options.tracefile_count = settings.tracefile_count;
  options.switch_period = settings.switch_timer;
  return options;
}

Result<session::Channel> user_channel_of(const SessionChannel& from) {
  const ChannelSettings& settings = from.settings;
  auto options = options_of<session::ChannelOptions>(settings);
  options.blocking_timeout = settings.blocking_timeout;
  options.ownership = settings.ownership;
  options.one_buffer = settings.allocation == session::BufferAllocation::kPerChannel;
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
    if (session::is_perf_counter(name)) {
      SILLAGE_TRY(channel->add_counter(name));
      continue;
    }
    const auto number = context_number(name);
    if (!number) return tl::unexpected<Error>(number.error());
    SILLAGE_TRY(channel->add_context(*number));
  }
  if (auto filters = UserFilters::parse(*channel); !filters)
    return tl::unexpected<Error>(std::move(filters).error());
  // Sizes that no ring has: not only when it is started.
  const auto cpus = ring::possible_cpu_count();
  if (!cpus) return tl::unexpected<Error>(cpus.error());
  if (auto geometry = ring::RingGeometry::make(channel_options(*channel).ring, *cpus); !geometry)
    return tl::unexpected<Error>(std::move(geometry).error());
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

/// Of sets that leave somebody out; nothing if they leave out all.
std::optional<session::Inclusion> inclusion_of(const session::InclusionSets& sets) {
  using Policy = session::InclusionSet::Policy;
  const auto has = [&](Policy policy) {
    return std::ranges::any_of(sets, [&](const auto& set) { return set.policy() == policy; });
  };
  if (has(Policy::kNone)) return std::nullopt;
  if (!has(Policy::kListed)) return session::Inclusion{};
  return session::Inclusion{std::make_shared<const session::InclusionSets>(sets)};
}

Result<session::KernelChannel> kernel_channel_of(const SessionChannel& from,
                                                 const session::InclusionSets& inclusion) {
  auto options = options_of<session::KernelChannelOptions>(from.settings);
  options.may_change = true;
  auto channel = session::KernelChannel::create(std::move(options));
  if (!channel) return channel;
  const auto included = inclusion_of(inclusion);
  for (const SessionChannel::Rule& entry : from.rules) {
    if (!from.is_enabled || !entry.is_enabled || !included) continue;
    session::KernelRule rule = kernel_rule_of(entry.rule);
    if (!rule.filter.empty())
      if (auto tree = filter::parse(rule.filter); !tree)
        return tl::unexpected<Error>(std::move(tree).error());
    rule.included = *included;
    SILLAGE_TRY(channel->add_rule(std::move(rule)));
  }
  for (const std::string& name : from.contexts) SILLAGE_TRY(channel->add_context(name));
  return channel;
}

}  // namespace

std::string unused_output(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (std::ranges::none_of(std::array{"ust", "kernel", "archives"}, [&](const char* part) {
        return fs::exists(fs::path(path) / part, ignored);
      }))
    return path;
  for (int number = 2;; ++number)
    if (std::string other = path + "-" + std::to_string(number); !fs::exists(other, ignored))
      return other;
}

Result<session::RecordingSession> plan_of(const session::Session& session) {
  const session::Session::Options& asked = session.options();
  session::RecordingSession::Options options;
  options.name = asked.name;
  options.in_memory = asked.mode != session::OutputMode::kLocal;
  if (!options.in_memory) options.output_path = asked.output_path;
  options.buffers_path = asked.buffers_path;
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
