// SPDX-License-Identifier: MIT
#include "control/session_request.hpp"

#include <algorithm>
#include <utility>

namespace sillage::control {
namespace {

using session::RecordingRule;

tl::unexpected<Error> unknown(const char* what) {
  return fail(Code::kInvalidArgument, std::string(what) + " that this daemon does not know");
}

template <class Number>
std::optional<Nanoseconds> time_of(bool is_there, Number value) {
  return is_there ? std::optional(Nanoseconds{value}) : std::nullopt;
}

Result<session::LogLevelRule> level_of(const v1::RecordingRule& message) {
  using Kind = session::LogLevelRule::Kind;
  if (message.level() > session::kMaxLogLevel)
    return fail(Code::kInvalidArgument, "there is no log level " + std::to_string(message.level()));
  const auto level = static_cast<std::uint8_t>(message.level());
  switch (message.level_kind()) {
    case v1::EventRule::ANY: return session::LogLevelRule{};
    case v1::EventRule::AT_LEAST_AS_SEVERE:
      return session::LogLevelRule{Kind::kAtLeastAsSevere, level};
    case v1::EventRule::ONLY: return session::LogLevelRule{Kind::kOnly, level};
    default: return unknown("a kind of level rule");
  }
}

Result<RecordingRule::Kind> kind_of(v1::RecordingRule::Kind message) {
  switch (message) {
    case v1::RecordingRule::USER_TRACEPOINT: return RecordingRule::Kind::kUserTracepoint;
    case v1::RecordingRule::KERNEL_TRACEPOINT: return RecordingRule::Kind::kKernelTracepoint;
    case v1::RecordingRule::SYSCALL: return RecordingRule::Kind::kSyscall;
    case v1::RecordingRule::FUNCTION: return RecordingRule::Kind::kFunction;
    case v1::RecordingRule::PROBE: return RecordingRule::Kind::kProbe;
    case v1::RecordingRule::USERSPACE_PROBE: return RecordingRule::Kind::kUserspaceProbe;
    default: return unknown("a kind of rule");
  }
}

void fill(const session::ChannelSettings& settings, session::Domain domain,
          v1::ChannelRequest* message) {
  message->set_name(settings.name);
  message->set_overwrite(settings.overwrite);
  message->set_subbuf_bytes(settings.subbuf_bytes.value);
  message->set_subbuf_count(settings.subbuf_count);
  message->set_switch_timer_ns(settings.switch_timer.value);
  message->set_read_timer_ns(settings.read_timer.value);
  message->set_monitor_timer_ns(settings.monitor_timer.value);
  message->set_tracefile_bytes(settings.tracefile_bytes.value);
  message->set_tracefile_count(settings.tracefile_count);
  message->set_is_mapped(settings.is_mapped);
  if (domain == session::Domain::kKernel) return;
  message->set_watchdog_timer_ns(settings.watchdog_timer.value);
  message->set_blocking_timeout_ns(settings.blocking_timeout.value);
  message->set_per_process(settings.ownership == session::BufferOwnership::kProcess);
  message->set_one_buffer(settings.allocation == session::BufferAllocation::kPerChannel);
  message->set_on_demand(settings.preallocation == session::BufferPreallocation::kOnDemand);
  if (settings.reclaim_age) message->set_reclaim_age_ns(settings.reclaim_age->value);
}

void fill(const session::InclusionSets& sets, session::Domain domain, v1::SessionDomain* message) {
  for (std::size_t i = 0; i < sets.size(); ++i) {
    const auto attribute = static_cast<session::ProcessAttribute>(i);
    if (sets[i].policy() == session::InclusionSet::Policy::kAll ||
        !session::has_attribute(domain, attribute))
      continue;
    v1::InclusionSet* set = message->add_inclusion_sets();
    set->set_attribute(static_cast<v1::ProcessAttribute>(i));
    for (const auto& [number, name] : sets[i].values()) {
      v1::ProcessValue* value = set->add_values();
      value->set_number(number);
      value->set_name(name);
    }
  }
}

}  // namespace

Result<session::Domain> domain_of(v1::Domain message) {
  if (message == v1::USER) return session::Domain::kUser;
  if (message == v1::KERNEL) return session::Domain::kKernel;
  return unknown("a domain");
}

Result<session::SessionRequest> request_of(const v1::CreateSessionRequest& message) {
  session::SessionRequest request;
  switch (message.mode()) {
    case v1::CreateSessionRequest::LOCAL: request.mode = session::OutputMode::kLocal; break;
    case v1::CreateSessionRequest::SNAPSHOT: request.mode = session::OutputMode::kSnapshot; break;
    case v1::CreateSessionRequest::NO_OUTPUT: request.mode = session::OutputMode::kNone; break;
    default: return unknown("a kind of session");
  }
  request.name = message.name();
  request.output_path = message.output_path();
  request.base_path = message.base_path();
  request.format = message.trace_format();
  request.buffers_path = message.buffers_path();
  return request;
}

Result<session::ChannelRequest> request_of(const v1::ChannelRequest& message) {
  session::ChannelRequest request;
  request.name = message.name();
  if (message.has_overwrite()) request.overwrite = message.overwrite();
  if (message.has_subbuf_bytes()) request.subbuf_bytes = ByteCount{message.subbuf_bytes()};
  if (message.has_subbuf_count()) request.subbuf_count = message.subbuf_count();
  request.switch_timer = time_of(message.has_switch_timer_ns(), message.switch_timer_ns());
  request.read_timer = time_of(message.has_read_timer_ns(), message.read_timer_ns());
  request.monitor_timer = time_of(message.has_monitor_timer_ns(), message.monitor_timer_ns());
  request.watchdog_timer = time_of(message.has_watchdog_timer_ns(), message.watchdog_timer_ns());
  request.blocking_timeout =
      time_of(message.has_blocking_timeout_ns(), message.blocking_timeout_ns());
  if (message.has_tracefile_bytes()) request.tracefile_bytes = ByteCount{message.tracefile_bytes()};
  if (message.has_tracefile_count()) request.tracefile_count = message.tracefile_count();
  if (message.has_per_process())
    request.ownership = message.per_process() ? session::BufferOwnership::kProcess
                                              : session::BufferOwnership::kUser;
  if (message.has_one_buffer())
    request.allocation = message.one_buffer() ? session::BufferAllocation::kPerChannel
                                              : session::BufferAllocation::kPerCpu;
  if (message.has_on_demand())
    request.preallocation = message.on_demand() ? session::BufferPreallocation::kOnDemand
                                                : session::BufferPreallocation::kAtOnce;
  if (message.has_is_mapped()) request.is_mapped = message.is_mapped();
  request.reclaim_age = time_of(message.has_reclaim_age_ns(), message.reclaim_age_ns());
  return request;
}

Result<RecordingRule> rule_of(const v1::RecordingRule& message) {
  auto kind = kind_of(message.kind());
  if (!kind) return tl::unexpected<Error>(std::move(kind).error());
  auto level = level_of(message);
  if (!level) return tl::unexpected<Error>(std::move(level).error());
  RecordingRule rule;
  rule.kind = *kind;
  rule.level = *level;
  rule.name = message.name();
  rule.place = message.place();
  rule.exclusions.assign(message.exclusions().begin(), message.exclusions().end());
  rule.filter = message.filter();
  return rule;
}

Result<session::RuleSelection> selection_of(const v1::DisableEventRequest& message) {
  session::RuleSelection which;
  if (message.has_name()) which.name = message.name();
  if (message.has_filter()) which.filter = message.filter();
  if (!message.has_kind()) return which;
  auto kind = kind_of(message.kind());
  if (!kind) return tl::unexpected<Error>(std::move(kind).error());
  which.kind = *kind;
  return which;
}

Result<session::ProcessAttribute> attribute_of(v1::ProcessAttribute message) {
  if (message < v1::PID || message > v1::VGID) return unknown("a process attribute");
  return static_cast<session::ProcessAttribute>(message);
}

namespace {

Status add_channel(const v1::SessionChannel& message, session::Domain domain,
                   session::Session* session) {
  auto request = request_of(message.options());
  if (!request) return tl::unexpected<Error>(std::move(request).error());
  session::SessionChannel content;
  content.is_enabled = message.is_enabled();
  for (const v1::SessionRule& entry : message.rules()) {
    auto rule = rule_of(entry.rule());
    if (!rule) return tl::unexpected<Error>(std::move(rule).error());
    content.rules.push_back({*std::move(rule), entry.is_enabled()});
  }
  content.contexts.assign(message.contexts().begin(), message.contexts().end());
  // The kernel's buffers are the system's, and no writer of it waits: what says so says nothing.
  if (domain == session::Domain::kKernel) request->ownership.reset();
  if (domain == session::Domain::kUser) request->is_mapped.reset();
  return session->add_channel(domain, *request, content);
}

/// Where snapshots go, and when the session rotates by itself.
Status add_outputs(const v1::Session& message, session::Session* session) {
  // A snapshot session begins with an output of its own: those that were saved take its place.
  session::SnapshotOutputs& outputs = session->snapshot_outputs();
  outputs = {};
  for (const v1::SnapshotOutput& output : message.snapshot_outputs())
    SILLAGE_TRY(outputs.add(output.name(), output.path(), output.max_bytes()));
  if (message.rotation_period_ns() == 0 && message.rotation_bytes() == 0) return {};
  SILLAGE_TRY(session->check_rotation());
  if (message.rotation_period_ns() != 0)
    SILLAGE_TRY(session->rotation().schedule(Nanoseconds{message.rotation_period_ns()}));
  if (message.rotation_bytes() != 0)
    SILLAGE_TRY(session->rotation().schedule(ByteCount{message.rotation_bytes()}));
  return {};
}

Status add_inclusion_set(const v1::InclusionSet& message, session::Domain domain,
                         session::Session* session) {
  auto attribute = attribute_of(message.attribute());
  if (!attribute) return tl::unexpected<Error>(std::move(attribute).error());
  auto set = session->inclusion_set(domain, *attribute);
  if (!set) return tl::unexpected<Error>(std::move(set).error());
  (*set)->remove_all();
  for (const v1::ProcessValue& value : message.values())
    SILLAGE_TRY((*set)->add(value.number(), value.name()));
  return {};
}

}  // namespace

Result<session::Session> saved_session_of(const v1::Session& message) {
  v1::CreateSessionRequest kept;
  kept.set_mode(message.mode());
  auto request = request_of(kept);
  if (!request) return tl::unexpected<Error>(std::move(request).error());
  session::Session::Options options;
  options.name = message.name();
  options.mode = request->mode;
  options.output_path = message.path();
  options.buffers_path = message.buffers_path();
  options.owner_uid = message.owner_uid();
  // One whose outputs were all removed writes nowhere until it gets another.
  if (options.mode == session::OutputMode::kSnapshot && options.output_path.empty())
    options.output_path = "/";
  if (!message.trace_format().empty()) {
    auto format = session::parse_trace_format(message.trace_format());
    if (!format) return tl::unexpected<Error>(std::move(format).error());
    options.format = *format;
  }
  auto session = session::Session::create(std::move(options));
  if (!session) return session;
  SILLAGE_TRY(add_outputs(message, &*session));
  for (const v1::SessionDomain& part : message.domains()) {
    const auto domain = domain_of(part.domain());
    if (!domain) return tl::unexpected<Error>(domain.error());
    for (const v1::SessionChannel& channel : part.channels()) {
      if (Status added = add_channel(channel, *domain, &*session); !added)
        return fail(added.error().code,
                    "channel " + channel.options().name() + ": " + added.error().message);
    }
    for (const v1::InclusionSet& set : part.inclusion_sets())
      SILLAGE_TRY(add_inclusion_set(set, *domain, &*session));
  }
  return session;
}

void fill(const RecordingRule& rule, v1::RecordingRule* message) {
  message->set_kind(static_cast<v1::RecordingRule::Kind>(rule.kind));
  message->set_name(rule.name);
  message->set_place(rule.place);
  for (const std::string& exclusion : rule.exclusions) message->add_exclusions(exclusion);
  message->set_level_kind(static_cast<v1::EventRule::LevelKind>(rule.level.kind));
  message->set_level(rule.level.level);
  message->set_filter(rule.filter);
}

void fill(const session::SessionChannel& channel, v1::SessionChannel* message) {
  message->set_is_enabled(channel.is_enabled);
  for (const session::SessionChannel::Rule& entry : channel.rules) {
    v1::SessionRule* rule = message->add_rules();
    fill(entry.rule, rule->mutable_rule());
    rule->set_is_enabled(entry.is_enabled);
  }
  for (const std::string& context : channel.contexts) message->add_contexts(context);
}

void fill(const session::SnapshotOutput& output, v1::SnapshotOutput* message) {
  message->set_id(output.id);
  message->set_name(output.name);
  message->set_path(output.path);
  message->set_max_bytes(output.max_bytes);
}

void fill(const session::Session& session, v1::Session* message) {
  const session::Session::Options& options = session.options();
  message->set_name(options.name);
  message->set_path(options.output_path);
  message->set_buffers_path(options.buffers_path);
  message->set_owner_uid(options.owner_uid);
  for (const session::SnapshotOutput& output : session.snapshot_outputs().all())
    fill(output, message->add_snapshot_outputs());
  message->set_rotation_period_ns(session.rotation().period().value_or(Nanoseconds{}).value);
  message->set_rotation_bytes(session.rotation().size().value_or(ByteCount{}).value);
  message->set_mode(static_cast<v1::CreateSessionRequest::Mode>(options.mode));
  message->set_state(static_cast<v1::Session::State>(session.state()));
  message->set_trace_format(std::string(session::trace_format_name(options.format)));
  for (const session::Domain domain : {session::Domain::kKernel, session::Domain::kUser}) {
    v1::SessionDomain part;
    part.set_domain(domain == session::Domain::kUser ? v1::USER : v1::KERNEL);
    for (const session::SessionChannel& channel : session.channels(domain)) {
      v1::SessionChannel* shown = part.add_channels();
      fill(channel, shown);
      fill(channel.settings, domain, shown->mutable_options());
    }
    fill(session.inclusion_sets(domain), domain, &part);
    if (part.channels_size() + part.inclusion_sets_size() != 0)
      *message->add_domains() = std::move(part);
  }
}

}  // namespace sillage::control
