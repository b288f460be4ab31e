// SPDX-License-Identifier: MIT
#include "session/session.hpp"

#include "session/nearest.hpp"

#include <algorithm>
#include <utility>

namespace sillage::session {
namespace {

constexpr std::size_t kMaxChannels = 64;  // what one image of a program can feed
constexpr std::size_t kMaxContexts = 32;  // of one record
constexpr std::size_t kMaxSessionName = 254;
constexpr std::size_t kMaxPath = 4000;  // PATH_MAX less what the trace's own directories need
constexpr char kDefaultChannel[] = "channel0";

std::string suggestion(std::string_view wanted, const std::vector<std::string>& names) {
  const auto near = nearest_names(wanted, names, 1);
  return near.empty() ? "" : "; did you mean " + near[0] + "?";
}

std::string tracer_word(Domain domain) { return domain == Domain::kUser ? "UST" : "Kernel"; }

bool has_name(const SessionChannel& channel, std::string_view name) {
  return channel.settings.name == name;
}

}  // namespace

Result<Session> Session::create(Options options) {
  if (options.name.find('/') != std::string::npos)
    return fail(Code::kInvalidArgument,
                "Invalid character found in session name: it cannot have a slash");
  if (options.name.empty() || options.name.size() > kMaxSessionName || options.name[0] == '.' ||
      options.name.find('\0') != std::string::npos)
    return fail(Code::kInvalidArgument,
                "a session's name must be 1 to 254 bytes long and not begin with a dot");
  const std::string& path = options.output_path;
  if (options.mode == OutputMode::kNone && !path.empty())
    return fail(Code::kInvalidArgument, "a session without output has no output path");
  if (options.mode != OutputMode::kNone &&
      (path.empty() || path[0] != '/' || path.size() > kMaxPath ||
       path.find('\0') != std::string::npos))
    return fail(Code::kInvalidArgument,
                "the output must be an absolute path of at most 4000 bytes");
  const std::string& buffers = options.buffers_path;
  if (!buffers.empty() &&
      (buffers[0] != '/' || buffers.size() > kMaxPath || buffers.find('\0') != std::string::npos))
    return fail(Code::kInvalidArgument,
                "--shm-path must be an absolute path of at most 4000 bytes");
  Session session(std::move(options));
  if (session.options_.mode == OutputMode::kSnapshot)
    if (auto added = session.snapshot_outputs_.add({}, session.options_.output_path, 0); !added)
      return tl::unexpected<Error>(std::move(added).error());
  return session;
}

Status Session::check_snapshot() const {
  if (options_.mode == OutputMode::kLocal)
    return fail(Code::kUnsupported,
                "Snapshot command can't be applied to a non-snapshot session: create one with "
                "--snapshot");
  if (state_ == State::kCreated) return fail(Code::kNotReady, "Session needs to be started once");
  return {};
}

Status Session::check_rotation() const {
  if (options_.mode == OutputMode::kLocal) return {};
  return fail(Code::kUnsupported,
              "Rotation feature not available for this session's creation mode: it has no files");
}

bool Session::operator==(const Session& other) const {
  return options_.name == other.options_.name && state_ == other.state_ &&
         domains_ == other.domains_ && snapshot_outputs_ == other.snapshot_outputs_ &&
         rotation_ == other.rotation_;
}

const SessionChannel* Session::find_channel(Domain domain, std::string_view name) const {
  const auto& channels = this->channels(domain);
  const auto found = std::find_if(channels.begin(), channels.end(),
                                  [&](const auto& channel) { return has_name(channel, name); });
  return found == channels.end() ? nullptr : &*found;
}

Result<SessionChannel*> Session::channel_named(Domain domain, std::string_view name) {
  std::vector<std::string> names;
  for (SessionChannel& channel : domains_[index(domain)].channels) {
    if (has_name(channel, name)) return &channel;
    names.push_back(channel.settings.name);
  }
  return fail(Code::kNotFound, tracer_word(domain) + " channel not found: \"" + std::string(name) +
                                   "\"" + suggestion(name, names));
}

Result<SessionChannel*> Session::channel_of_rule(Domain domain,
                                                 const std::optional<std::string>& name) {
  if (name) return channel_named(domain, *name);
  auto& channels = domains_[index(domain)].channels;
  if (find_channel(domain, kDefaultChannel) == nullptr && !channels.empty())
    return fail(Code::kInvalidArgument,
                "Non-default channel exists within session: channel name needs to be specified "
                "with '-c name'");
  return channel_named(domain, kDefaultChannel);
}

Status Session::start() {
  if (state_ == State::kStarted)
    return fail(Code::kAlreadyExists, "Tracing already started for session " + options_.name);
  if (channels(Domain::kUser).empty() && channels(Domain::kKernel).empty())
    return fail(Code::kInvalidArgument,
                "No channel found in the session: enable an event or a channel first");
  state_ = State::kStarted;
  return {};
}

Status Session::stop() {
  if (state_ != State::kStarted)
    return fail(Code::kInvalidArgument, "Tracing already stopped for session " + options_.name);
  state_ = State::kStopped;
  return {};
}

Result<Enabled> Session::enable_channel(Domain domain, const ChannelRequest& request) {
  auto& channels = domains_[index(domain)].channels;
  if (auto found = channel_named(domain, request.name)) {
    if ((*found)->is_enabled)
      return fail(Code::kAlreadyExists, tracer_word(domain) + " channel already exist");
    (*found)->is_enabled = true;
    return Enabled::kAgain;
  }
  auto settings = settle(request, domain, options_.mode);
  if (!settings) return tl::unexpected<Error>(std::move(settings).error());
  if (channels.size() == kMaxChannels)
    return fail(Code::kLimit, "a session can have at most 64 channels of a domain");
  channels.push_back({.settings = *std::move(settings)});
  return Enabled::kCreated;
}

Status Session::add_channel(Domain domain, const ChannelRequest& request,
                            const SessionChannel& content) {
  if (find_channel(domain, request.name) != nullptr)
    return fail(Code::kAlreadyExists, tracer_word(domain) + " channel already exist");
  Session next = *this;
  auto made = next.enable_channel(domain, request);
  if (!made) return tl::unexpected<Error>(std::move(made).error());
  for (const SessionChannel::Rule& entry : content.rules) {
    if (domain_of(entry.rule.kind) != domain)
      return fail(Code::kInvalidArgument,
                  "the rule " + entry.rule.name + " is of the other domain");
    auto added = next.enable_rule(request.name, entry.rule);
    if (!added) return tl::unexpected<Error>(std::move(added).error());
  }
  for (const std::string& context : content.contexts)
    SILLAGE_TRY(next.add_context(domain, request.name, context));
  SessionChannel& channel = next.domains_[index(domain)].channels.back();
  for (std::size_t i = 0; i < content.rules.size(); ++i)
    channel.rules[i].is_enabled = content.rules[i].is_enabled;
  channel.is_enabled = content.is_enabled;
  *this = std::move(next);
  return {};
}

Status Session::disable_channel(Domain domain, std::string_view name) {
  auto channel = channel_named(domain, name);
  if (!channel) return tl::unexpected<Error>(std::move(channel).error());
  if (!(*channel)->is_enabled)
    return fail(Code::kAlreadyExists, "the channel " + std::string(name) + " is disabled already");
  (*channel)->is_enabled = false;
  return {};
}

Result<Enabled> Session::enable_rule(const std::optional<std::string>& channel,
                                     RecordingRule rule) {
  SILLAGE_TRY(check_rule(rule));
  const Domain domain = domain_of(rule.kind);
  const std::string wanted = channel.value_or(kDefaultChannel);
  // As LTTng: the first rule makes the channel that it names.
  if (find_channel(domain, wanted) == nullptr && (channel || channels(domain).empty()))
    SILLAGE_TRY(enable_channel(domain, {.name = wanted}));
  auto found = channel_of_rule(domain, channel);
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  auto& rules = (*found)->rules;
  const auto same = std::find_if(rules.begin(), rules.end(),
                                 [&](const auto& entry) { return entry.rule == rule; });
  if (same == rules.end()) {
    rules.push_back({.rule = std::move(rule)});
    return Enabled::kCreated;
  }
  if (same->is_enabled)
    return fail(Code::kAlreadyExists, tracer_word(domain) + " event already enabled");
  same->is_enabled = true;
  return Enabled::kAgain;
}

Result<std::vector<SessionChannel::Rule*>> Session::select(
    Domain domain, const std::optional<std::string>& channel, const RuleSelection& which) {
  auto found = channel_of_rule(domain, channel);
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  std::vector<SessionChannel::Rule*> selected;
  std::vector<std::string> names;
  for (SessionChannel::Rule& entry : (*found)->rules) {
    if (which.kind && entry.rule.kind != *which.kind) continue;
    if (which.filter && entry.rule.filter != *which.filter) continue;
    names.push_back(entry.rule.name);
    if (!which.name || entry.rule.name == *which.name) selected.push_back(&entry);
  }
  if (selected.empty())
    return fail(Code::kNotFound, tracer_word(domain) + " event not found" +
                                     (which.name ? suggestion(*which.name, names) : ""));
  return selected;
}

Result<std::size_t> Session::disable_rules(Domain domain, const std::optional<std::string>& channel,
                                           const RuleSelection& which) {
  auto selected = select(domain, channel, which);
  if (!selected) return tl::unexpected<Error>(std::move(selected).error());
  std::size_t changed = 0;
  for (SessionChannel::Rule* entry : *selected)
    changed += std::exchange(entry->is_enabled, false) ? 1 : 0;
  if (changed == 0)
    return fail(Code::kAlreadyExists, tracer_word(domain) + " event is disabled already");
  return changed;
}

Result<std::size_t> Session::remove_rules(Domain domain, const std::optional<std::string>& channel,
                                          const RuleSelection& which) {
  auto selected = select(domain, channel, which);
  if (!selected) return tl::unexpected<Error>(std::move(selected).error());
  auto& rules = (*channel_of_rule(domain, channel))->rules;
  std::vector<SessionChannel::Rule> kept;
  for (SessionChannel::Rule& entry : rules)
    if (std::find(selected->begin(), selected->end(), &entry) == selected->end())
      kept.push_back(entry);
  const std::size_t removed = rules.size() - kept.size();
  rules = std::move(kept);
  return removed;
}

Status Session::add_context(Domain domain, const std::optional<std::string>& channel,
                            const std::string& context) {
  auto& channels = domains_[index(domain)].channels;
  std::vector<SessionChannel*> wanted;
  if (channel) {
    auto found = channel_named(domain, *channel);
    if (!found) return tl::unexpected<Error>(std::move(found).error());
    wanted.push_back(*found);
  } else {
    if (channels.empty()) SILLAGE_TRY(enable_channel(domain, {}));
    for (SessionChannel& each : channels) wanted.push_back(&each);
  }
  std::erase_if(wanted, [&](const SessionChannel* each) {
    return std::find(each->contexts.begin(), each->contexts.end(), context) != each->contexts.end();
  });
  if (wanted.empty()) return fail(Code::kAlreadyExists, "Context already exists: " + context);
  if (std::any_of(wanted.begin(), wanted.end(),
                  [](const SessionChannel* each) { return each->contexts.size() == kMaxContexts; }))
    return fail(Code::kLimit, "a channel can have at most 32 contexts");
  for (SessionChannel* each : wanted) each->contexts.push_back(context);
  return {};
}

Result<InclusionSet*> Session::inclusion_set(Domain domain, ProcessAttribute attribute) {
  if (!has_attribute(domain, attribute))
    return fail(Code::kInvalidArgument,
                "the user domain knows processes by vpid, vuid and vgid, not by " +
                    std::string(attribute_name(attribute)));
  return &domains_[index(domain)].inclusion[static_cast<std::size_t>(attribute)];
}

}  // namespace sillage::session
