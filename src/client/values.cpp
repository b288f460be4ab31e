// SPDX-License-Identifier: MIT
#include "client/values.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

namespace sillage::client {
namespace {

namespace v1 = control::v1;

// Enumerations have the same numbers on both sides. What a later daemon adds to them is not made a value that nobody
// has a case for.
static_assert(static_cast<int>(control::Error::Kind::kSystem) == static_cast<int>(Code::kSystem));
static_assert(static_cast<int>(control::Rule::Kind::kUserspaceProbe) ==
              v1::RecordingRule::USERSPACE_PROBE);
static_assert(static_cast<int>(control::Rule::Levels::kOnly) == v1::EventRule::ONLY);
static_assert(static_cast<int>(control::Mode::kNoOutput) == v1::CreateSessionRequest::NO_OUTPUT);
static_assert(static_cast<int>(control::State::kStopped) == v1::Session::STOPPED);
static_assert(static_cast<int>(control::Attribute::kVgid) == v1::VGID);
static_assert(static_cast<int>(control::Domain::kKernel) == v1::KERNEL);

template <class Value>
Value known(int number, Value last) {
  return static_cast<Value>(std::clamp(number, 0, static_cast<int>(last)));
}

std::chrono::nanoseconds time_of(std::uint64_t nanoseconds) {
  constexpr auto kMost = static_cast<std::uint64_t>(control::kForEver.count());
  return std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(nanoseconds, kMost)));
}

std::uint64_t number_of(std::chrono::nanoseconds time) {
  return time == control::kForEver ? std::numeric_limits<std::uint64_t>::max()
                                   : static_cast<std::uint64_t>(time.count());
}

template <class Number>
std::optional<std::uint64_t> given(bool is_there, Number value) {
  return is_there ? std::optional<std::uint64_t>(value) : std::nullopt;
}

std::optional<std::chrono::nanoseconds> given_time(bool is_there, std::uint64_t nanoseconds) {
  return is_there ? std::optional(time_of(nanoseconds)) : std::nullopt;
}

template <class Message, class Values>
void append(const Message& messages, Values* values) {
  for (const auto& message : messages) values->push_back(value_of(message));
}

control::ChannelOptions options_of(const v1::ChannelRequest& message) {
  control::ChannelOptions options;
  options.name = message.name();
  if (message.has_overwrite()) options.overwrite = message.overwrite();
  options.subbuf_bytes = given(message.has_subbuf_bytes(), message.subbuf_bytes());
  options.subbuf_count = given(message.has_subbuf_count(), message.subbuf_count());
  options.switch_timer = given_time(message.has_switch_timer_ns(), message.switch_timer_ns());
  options.read_timer = given_time(message.has_read_timer_ns(), message.read_timer_ns());
  options.monitor_timer = given_time(message.has_monitor_timer_ns(), message.monitor_timer_ns());
  options.watchdog_timer = given_time(message.has_watchdog_timer_ns(), message.watchdog_timer_ns());
  options.blocking_timeout =
      given_time(message.has_blocking_timeout_ns(), message.blocking_timeout_ns());
  options.tracefile_bytes = given(message.has_tracefile_bytes(), message.tracefile_bytes());
  options.tracefile_count = given(message.has_tracefile_count(), message.tracefile_count());
  if (message.has_per_process()) options.per_process = message.per_process();
  if (message.has_one_buffer()) options.one_buffer = message.one_buffer();
  if (message.has_on_demand()) options.on_demand = message.on_demand();
  options.reclaim_age = given_time(message.has_reclaim_age_ns(), message.reclaim_age_ns());
  return options;
}

/// Where traces of sessions without a path of their own go, as with `sillage create`.
std::string base_path() {
  for (const char* name : {"LTTNG_HOME", "HOME"})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0')
      return std::string(value) + "/lttng-traces";
  return "/tmp/lttng-traces";
}

}  // namespace

control::Error value_of(const sillage::Error& error) {
  return {known(static_cast<int>(error.code), control::Error::Kind::kSystem), error.text()};
}

control::Rule value_of(const v1::SessionRule& message) {
  const v1::RecordingRule& asked = message.rule();
  control::Rule rule;
  rule.kind = known(asked.kind(), control::Rule::Kind::kUserspaceProbe);
  rule.name = asked.name();
  rule.place = asked.place();
  rule.exclusions.assign(asked.exclusions().begin(), asked.exclusions().end());
  rule.levels = known(asked.level_kind(), control::Rule::Levels::kOnly);
  rule.level = static_cast<std::uint8_t>(asked.level());
  rule.filter = asked.filter();
  rule.is_enabled = message.is_enabled();
  return rule;
}

control::InclusionSet value_of(const v1::InclusionSet& message) {
  control::InclusionSet set;
  set.attribute = known(message.attribute(), control::Attribute::kVgid);
  for (const v1::ProcessValue& value : message.values())
    set.values.push_back({value.number(), value.name()});
  return set;
}

control::SessionDomain value_of(const v1::SessionDomain& message) {
  control::SessionDomain part;
  part.domain = known(message.domain(), control::Domain::kKernel);
  append(message.channels(), &part.channels);
  append(message.inclusion_sets(), &part.inclusion_sets);
  return part;
}

control::EventDescription value_of(const v1::Event& message) {
  control::EventDescription event;
  event.name = message.name();
  event.level = static_cast<std::uint8_t>(message.log_level());
  event.source = message.source();
  for (const v1::Field& field : message.fields())
    event.fields.push_back({field.name(), field.type()});
  return event;
}

control::DaemonInfo value_of(const v1::VersionResponse& message) {
  return {message.version(),          message.pid(),         message.clock(), message.programs(),
          message.refused_programs(), message.last_refusal()};
}

control::Program value_of(const v1::Program& message) {
  control::Program program{message.pid(), message.uid(), message.name()};
  append(message.events(), &program.events);
  return program;
}

control::Channel value_of(const v1::SessionChannel& message) {
  control::Channel channel;
  channel.options = options_of(message.options());
  channel.is_enabled = message.is_enabled();
  append(message.rules(), &channel.rules);
  channel.contexts.assign(message.contexts().begin(), message.contexts().end());
  channel.discarded_events = message.discarded_events();
  channel.lost_packets = message.lost_packets();
  return channel;
}

control::SnapshotOutput value_of(const v1::SnapshotOutput& message) {
  return {message.id(), message.name(), message.path(), message.max_bytes()};
}

control::Session value_of(const v1::Session& message) {
  control::Session session;
  session.name = message.name();
  session.path = message.path();
  session.mode = known(message.mode(), control::Mode::kNoOutput);
  session.state = known(message.state(), control::State::kStopped);
  session.trace_format = message.trace_format();
  session.buffers_path = message.buffers_path();
  session.owner_uid = message.owner_uid();
  append(message.domains(), &session.domains);
  append(message.snapshot_outputs(), &session.snapshot_outputs);
  session.rotation.period =
      given_time(message.rotation_period_ns() != 0, message.rotation_period_ns());
  session.rotation.bytes = given(message.rotation_bytes() != 0, message.rotation_bytes());
  return session;
}

control::Statistics value_of(const v1::Stats& message) {
  const v1::Lost& lost = message.lost();
  control::Statistics statistics;
  statistics.events = message.events();
  statistics.pending = message.pending();
  statistics.packets = message.packets();
  statistics.bytes = message.bytes();
  statistics.rejected = message.rejected();
  statistics.lost = {.full = lost.full(),
                     .too_big = lost.too_big(),
                     .busy = lost.busy(),
                     .timeout = lost.timeout(),
                     .overrun = lost.overrun(),
                     .corrupt = lost.corrupt(),
                     .disk = lost.disk(),
                     .nested = lost.nested(),
                     .other = lost.other()};
  statistics.output_error = message.output_error();
  return statistics;
}

control::KernelRule value_of(const v1::KernelRuleReport& message) {
  return {.channel = message.channel(),
          .rule = message.rule(),
          .events = {message.events().begin(), message.events().end()},
          .event_count = message.event_count(),
          .missed = message.missed()};
}

control::RuleCount value_of(const v1::RuleCount& message) {
  control::RuleCount count{.domain = known(message.domain(), control::Domain::kKernel),
                           .channel = message.channel(),
                           .rule = message.rule(),
                           .happened = message.happened(),
                           .untracked = message.untracked(),
                           .wanted = message.wanted(),
                           .events = {},
                           .event_count = message.event_count(),
                           .watched_events = message.watched_events()};
  for (const v1::EventCount& event : message.events())
    count.events.push_back({event.name(), event.happened(), event.wanted()});
  return count;
}

control::Findings value_of(const v1::WhyEmptyResponse& message) {
  const v1::Coverage& coverage = message.coverage();
  control::Findings findings;
  findings.session = value_of(message.session());
  if (message.has_stats()) findings.statistics = value_of(message.stats());
  findings.programs = coverage.programs();
  findings.other_programs = coverage.other_programs();
  findings.refused_programs = coverage.refused_programs();
  findings.last_refusal = coverage.last_refusal();
  for (const v1::SeenEvent& event : message.events())
    findings.events.push_back(
        {event.name(), static_cast<std::uint8_t>(event.log_level()), event.programs()});
  findings.events_matched = coverage.events_matched();
  findings.below_level.assign(coverage.below_level().begin(), coverage.below_level().end());
  findings.excluded.assign(coverage.excluded().begin(), coverage.excluded().end());
  for (const v1::PatternHint& hint : coverage.patterns())
    findings.unmatched.push_back({hint.pattern(), {hint.nearest().begin(), hint.nearest().end()}});
  for (const v1::FilterProblem& problem : coverage.filter_problems())
    findings.filter_problems.push_back(
        {problem.filter(), problem.event(), problem.program(), problem.reason()});
  findings.left_out = left_out_of(message);
  findings.warning = message.warning();
  append(message.kernel_rules(), &findings.kernel_rules);
  findings.watched = given_time(message.watched_ns() != 0, message.watched_ns());
  append(message.counts(), &findings.counts);
  return findings;
}

v1::Domain message_of(control::Domain domain) { return static_cast<v1::Domain>(domain); }

v1::RecordingRule::Kind message_of(control::Rule::Kind kind) {
  return static_cast<v1::RecordingRule::Kind>(kind);
}

v1::ProcessAttribute message_of(control::Attribute attribute) {
  return static_cast<v1::ProcessAttribute>(attribute);
}

void fill(const control::SessionOptions& options, v1::CreateSessionRequest* message) {
  message->set_name(options.name);
  message->set_mode(static_cast<v1::CreateSessionRequest::Mode>(options.mode));
  message->set_output_path(options.output_path);
  message->set_base_path(base_path());
  message->set_trace_format(options.trace_format);
  message->set_buffers_path(options.buffers_path);
}

void fill(const control::ChannelOptions& options, v1::ChannelRequest* message) {
  message->set_name(options.name);
  if (options.overwrite) message->set_overwrite(*options.overwrite);
  if (options.subbuf_bytes) message->set_subbuf_bytes(*options.subbuf_bytes);
  if (options.subbuf_count) message->set_subbuf_count(*options.subbuf_count);
  if (options.switch_timer) message->set_switch_timer_ns(number_of(*options.switch_timer));
  if (options.read_timer) message->set_read_timer_ns(number_of(*options.read_timer));
  if (options.monitor_timer) message->set_monitor_timer_ns(number_of(*options.monitor_timer));
  if (options.watchdog_timer) message->set_watchdog_timer_ns(number_of(*options.watchdog_timer));
  if (options.blocking_timeout)
    message->set_blocking_timeout_ns(number_of(*options.blocking_timeout));
  if (options.tracefile_bytes) message->set_tracefile_bytes(*options.tracefile_bytes);
  if (options.tracefile_count) message->set_tracefile_count(*options.tracefile_count);
  if (options.per_process) message->set_per_process(*options.per_process);
  if (options.one_buffer) message->set_one_buffer(*options.one_buffer);
  if (options.on_demand) message->set_on_demand(*options.on_demand);
  if (options.reclaim_age) message->set_reclaim_age_ns(number_of(*options.reclaim_age));
}

void fill(const control::Rule& rule, v1::RecordingRule* message) {
  message->set_kind(message_of(rule.kind));
  message->set_name(rule.name);
  message->set_place(rule.place);
  for (const std::string& exclusion : rule.exclusions) message->add_exclusions(exclusion);
  message->set_level_kind(static_cast<v1::EventRule::LevelKind>(rule.levels));
  message->set_level(rule.level);
  message->set_filter(rule.filter);
}

void fill(const control::SnapshotOutput& output, v1::SnapshotOutput* message) {
  message->set_name(output.name);
  message->set_path(output.path);
  message->set_max_bytes(output.max_bytes);
}

}  // namespace sillage::client
