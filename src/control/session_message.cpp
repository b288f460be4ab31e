// SPDX-License-Identifier: MIT
#include "control/session_message.hpp"

#include <utility>

namespace sillage::control {
namespace {

Result<session::EventRule> rule_of(const v1::EventRule& message) {
  session::EventRule rule;
  rule.pattern = message.pattern();
  rule.exclusions.assign(message.exclusions().begin(), message.exclusions().end());
  rule.filter = message.filter();
  if (message.level() > session::kMaxLogLevel) {
    return fail(Code::kInvalidArgument, "there is no log level " + std::to_string(message.level()));
  }
  rule.level.level = static_cast<std::uint8_t>(message.level());
  switch (message.level_kind()) {
    case v1::EventRule::AT_LEAST_AS_SEVERE:
      rule.level.kind = session::LogLevelRule::Kind::kAtLeastAsSevere;
      break;
    case v1::EventRule::ONLY: rule.level.kind = session::LogLevelRule::Kind::kOnly; break;
    case v1::EventRule::ANY: rule.level = {}; break;
    default:
      return fail(Code::kInvalidArgument, "a kind of level rule that this daemon does not know");
  }
  return rule;
}

Result<session::Channel> channel_of(const v1::Channel& message) {
  session::ChannelOptions options;
  options.name = message.name();
  options.overwrite = message.overwrite();
  if (message.subbuf_bytes() != 0) options.subbuf_bytes = ByteCount{message.subbuf_bytes()};
  if (message.subbuf_count() != 0) options.subbuf_count = message.subbuf_count();
  options.blocking_timeout = Nanoseconds{message.blocking_timeout_ns()};
  options.ownership =
      message.per_process() ? session::BufferOwnership::kProcess : session::BufferOwnership::kUser;
  auto channel = session::Channel::create(std::move(options));
  if (!channel) return channel;
  for (const v1::EventRule& rule_message : message.rules()) {
    auto rule = rule_of(rule_message);
    if (!rule) return tl::unexpected<Error>(std::move(rule).error());
    SILLAGE_TRY(channel->add_rule(*std::move(rule)));
  }
  for (std::uint32_t context : message.contexts()) SILLAGE_TRY(channel->add_context(context));
  for (const std::string& name : message.app_contexts())
    SILLAGE_TRY(channel->add_app_context(name));
  for (const std::string& context : message.counters()) SILLAGE_TRY(channel->add_counter(context));
  return channel;
}

Result<session::KernelRule> kernel_rule_of(const v1::KernelRule& message) {
  session::KernelRule rule;
  using Kind = session::KernelRule::Kind;
  switch (message.kind()) {
    case v1::KernelRule::TRACEPOINT: rule.kind = Kind::kTracepoint; break;
    case v1::KernelRule::SYSCALL: rule.kind = Kind::kSyscall; break;
    case v1::KernelRule::FUNCTION: rule.kind = Kind::kFunction; break;
    case v1::KernelRule::PROBE: rule.kind = Kind::kProbe; break;
    case v1::KernelRule::USERSPACE_PROBE: rule.kind = Kind::kUserspaceProbe; break;
    default:
      return fail(Code::kInvalidArgument, "a kind of kernel rule that this daemon does not know");
  }
  rule.pattern = message.pattern();
  rule.exclusions.assign(message.exclusions().begin(), message.exclusions().end());
  rule.filter = message.filter();
  return rule;
}

Result<session::KernelChannel> kernel_channel_of(const v1::KernelChannel& message) {
  session::KernelChannelOptions options;
  options.name = message.name();
  options.overwrite = message.overwrite();
  if (message.subbuf_bytes() != 0) options.subbuf_bytes = ByteCount{message.subbuf_bytes()};
  if (message.subbuf_count() != 0) options.subbuf_count = message.subbuf_count();
  options.state_dump = message.state_dump();
  options.syscall_bytes = message.syscall_bytes();
  options.memory_maps = message.memory_maps();
  auto channel = session::KernelChannel::create(std::move(options));
  if (!channel) return channel;
  for (const v1::KernelRule& rule_message : message.rules()) {
    auto rule = kernel_rule_of(rule_message);
    if (!rule) return tl::unexpected<Error>(std::move(rule).error());
    SILLAGE_TRY(channel->add_rule(*std::move(rule)));
  }
  for (const std::string& context : message.contexts()) SILLAGE_TRY(channel->add_context(context));
  return channel;
}

}  // namespace

Result<session::RecordingSession> session_of(const v1::CreateRecordingRequest& request) {
  session::RecordingSession::Options options;
  options.name = request.name();
  options.output_path = request.output_path();
  options.format = request.format() == v1::CreateRecordingRequest::CTF_2
                       ? session::TraceFormat::kCtf2
                       : session::TraceFormat::kCtf18;
  options.processes.mark = request.mark();
  for (std::int32_t pid : request.pids()) {
    if (pid <= 0) return fail(Code::kInvalidArgument, "there is no process " + std::to_string(pid));
    options.processes.pids.insert(pid);
  }
  auto session = session::RecordingSession::create(std::move(options));
  if (!session) return session;
  if (request.channels().empty() && request.kernel_channels().empty())
    return fail(Code::kInvalidArgument, "a recording needs at least one channel");
  for (const v1::Channel& message : request.channels()) {
    auto channel = channel_of(message);
    if (!channel) return tl::unexpected<Error>(std::move(channel).error());
    SILLAGE_TRY(session->add_channel(*std::move(channel)));
  }
  for (const v1::KernelChannel& message : request.kernel_channels()) {
    auto channel = kernel_channel_of(message);
    if (!channel) return tl::unexpected<Error>(std::move(channel).error());
    SILLAGE_TRY(session->add_kernel_channel(*std::move(channel)));
  }
  return session;
}

}  // namespace sillage::control
