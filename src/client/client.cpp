// SPDX-License-Identifier: MIT
#include "control/client.hpp"

#include <sillage/control.hpp>
#include "apps/socket_path.hpp"
#include "client/daemon_start.hpp"
#include "client/values.hpp"
#include "lttng/process_value.hpp"
#include "lttng/session_file.hpp"
#include "lttng/text_file.hpp"

#include <algorithm>
#include <utility>

namespace sillage::control {

using client::fill;
using client::message_of;
using client::value_of;

/// What stands behind a client: its connection, while there is one.
struct Client::Connection {
  explicit Connection(Options asked) : options(std::move(asked)) {}

  Options options;
  std::optional<ControlClient> socket{};

  [[nodiscard]] sillage::Status connect() {
    if (socket) return {};
    auto connected = !options.socket_path.empty() ? ControlClient::connect(options.socket_path)
                     : options.starts_daemon
                         ? client::connect_or_start(client::choose_daemon(options.group))
                         : client::connect_running(client::choose_daemon(options.group));
    if (!connected) return tl::unexpected<sillage::Error>(std::move(connected).error());
    socket.emplace(*std::move(connected));
    return {};
  }

  /// `more`: added to the deadline.
  [[nodiscard]] sillage::Result<v1::Response> call(v1::Request request,
                                                   std::chrono::milliseconds more = {}) {
    SILLAGE_TRY(connect());
    auto response = socket->call(std::move(request), options.deadline + more);
    // An answer that comes too late must not be taken for that of the next request.
    if (!response &&
        (response.error().code == Code::kTimeout || response.error().code == Code::kSystem ||
         response.error().code == Code::kCorrupt))
      socket.reset();
    return response;
  }

  /// `take` makes a value of the answer.
  template <class Take>
  [[nodiscard]] auto ask(v1::Request request, Take take, std::chrono::milliseconds more = {})
      -> Result<decltype(take(std::declval<const v1::Response&>()))> {
    const auto response = call(std::move(request), more);
    if (!response) return value_of(response.error());
    return take(*response);
  }

  [[nodiscard]] Status tell(v1::Request request) {
    return ask(std::move(request), [](const v1::Response&) { return Done(); });
  }

  [[nodiscard]] Status track(sillage::Result<v1::TrackRequest> asked) {
    if (!asked) return value_of(asked.error());
    v1::Request request;
    *request.mutable_track() = *std::move(asked);
    return tell(std::move(request));
  }
};

namespace {

v1::DisableEventRequest message_of_selection(const std::string& session,
                                             const RuleSelection& which) {
  v1::DisableEventRequest asked;
  asked.set_session(session);
  asked.set_domain(message_of(which.domain));
  if (which.channel) asked.set_channel(*which.channel);
  if (which.name) asked.set_name(*which.name);
  if (which.kind) asked.set_kind(message_of(*which.kind));
  if (which.filter) asked.set_filter(*which.filter);
  return asked;
}

bool is_negative(const std::optional<std::chrono::nanoseconds>& time) {
  return time && *time < std::chrono::nanoseconds::zero();
}

Error negative_time() {
  return {Error::Kind::kInvalidArgument, "a time below 0: give how long, or leave it out"};
}

/// A value by number, or by a name that is looked up here, as the command does.
sillage::Status fill_value(const AttributeValue& value, Attribute attribute,
                           v1::ProcessValue* message) {
  message->set_number(value.number);
  if (value.name.empty()) return {};
  auto found = lttng::process_value(value.name, message_of(attribute));
  if (!found) return tl::unexpected<sillage::Error>(std::move(found).error());
  *message = *std::move(found);
  return {};
}

/// `value`: null for all values of the attribute.
sillage::Result<v1::TrackRequest> message_of_track(const std::string& session, Domain domain,
                                                   Attribute attribute, const AttributeValue* value,
                                                   bool removes) {
  v1::TrackRequest asked;
  asked.set_session(session);
  asked.set_domain(message_of(domain));
  asked.set_attribute(message_of(attribute));
  asked.set_remove(removes);
  asked.set_all(value == nullptr);
  if (value != nullptr) SILLAGE_TRY(fill_value(*value, attribute, asked.mutable_value()));
  return asked;
}

}  // namespace

Client::Client(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() = default;

Result<Client> Client::connect(Options options) {
  Client client(std::make_unique<Connection>(std::move(options)));
  if (auto connected = client.connection_->connect(); !connected)
    return value_of(connected.error());
  return client;
}

std::chrono::milliseconds Client::deadline() const { return connection_->options.deadline; }

void Client::change_deadline(std::chrono::milliseconds deadline) {
  connection_->options.deadline = deadline;
}

Result<DaemonInfo> Client::daemon() {
  v1::Request request;
  request.mutable_version();
  return connection_->ask(std::move(request),
                          [](const auto& answer) { return value_of(answer.version()); });
}

Result<std::vector<Program>> Client::programs(bool with_fields) {
  v1::Request request;
  request.mutable_list()->set_with_fields(with_fields);
  return connection_->ask(std::move(request), [](const auto& answer) {
    std::vector<Program> programs;
    for (const v1::Program& program : answer.list().programs())
      programs.push_back(value_of(program));
    return programs;
  });
}

Result<std::vector<Session>> Client::sessions() {
  v1::Request request;
  request.mutable_list_sessions();
  return connection_->ask(std::move(request), [](const auto& answer) {
    std::vector<Session> sessions;
    for (const v1::Session& session : answer.list_sessions().sessions())
      sessions.push_back(value_of(session));
    return sessions;
  });
}

Result<Session> Client::session(const std::string& name) {
  // No name stands for all of them.
  if (name.empty()) return Error{Error::Kind::kInvalidArgument, "a session has a name: give it"};
  v1::Request request;
  request.mutable_list_sessions()->set_name(name);
  return connection_->ask(std::move(request), [](const auto& answer) {
    return value_of(answer.list_sessions().sessions(0));
  });
}

Result<Session> Client::create(const SessionOptions& options) {
  v1::Request request;
  fill(options, request.mutable_create_session());
  return connection_->ask(std::move(request), [](const auto& answer) {
    return value_of(answer.create_session().session());
  });
}

Result<Destroyed> Client::destroy(const std::string& session, Wait wait) {
  v1::Request request;
  request.mutable_destroy_session()->set_name(session);
  request.mutable_destroy_session()->set_no_wait(wait == Wait::kNo);
  return connection_->ask(std::move(request), [](const auto& answer) {
    const v1::DestroySessionResponse& message = answer.destroy_session();
    return Destroyed{value_of(message.session()), value_of(message.stats()), message.warning(),
                     message.archive()};
  });
}

Result<LeftOut> Client::start(const std::string& session) {
  v1::Request request;
  request.mutable_start_session()->set_name(session);
  return connection_->ask(std::move(request), [](const auto& answer) {
    return client::left_out_of(answer.start_session());
  });
}

Result<Stopped> Client::stop(const std::string& session, Wait wait) {
  v1::Request request;
  request.mutable_stop_session()->set_name(session);
  request.mutable_stop_session()->set_no_wait(wait == Wait::kNo);
  return connection_->ask(std::move(request), [](const auto& answer) {
    return Stopped{value_of(answer.stop_session().stats()), answer.stop_session().warning()};
  });
}

Result<Channel> Client::enable_channel(const std::string& session, Domain domain,
                                       const ChannelOptions& options) {
  for (const auto& time : {options.switch_timer, options.read_timer, options.monitor_timer,
                           options.watchdog_timer, options.blocking_timeout})
    if (is_negative(time)) return negative_time();
  v1::Request request;
  v1::EnableChannelRequest* asked = request.mutable_enable_channel();
  asked->set_session(session);
  asked->set_domain(message_of(domain));
  fill(options, asked->mutable_options());
  return connection_->ask(std::move(request), [](const auto& answer) {
    return value_of(answer.enable_channel().channel());
  });
}

Status Client::disable_channel(const std::string& session, Domain domain,
                               const std::string& channel) {
  v1::Request request;
  request.mutable_disable_channel()->set_session(session);
  request.mutable_disable_channel()->set_domain(message_of(domain));
  request.mutable_disable_channel()->set_channel(channel);
  return connection_->tell(std::move(request));
}

Result<Enabled> Client::enable_rule(const std::string& session, const Rule& rule,
                                    const std::optional<std::string>& channel) {
  v1::Request request;
  v1::EnableEventRequest* asked = request.mutable_enable_event();
  asked->set_session(session);
  if (channel) asked->set_channel(*channel);
  fill(rule, asked->mutable_rule());
  return connection_->ask(std::move(request), [](const auto& answer) {
    return Enabled{answer.enable_event().is_new(), client::left_out_of(answer.enable_event())};
  });
}

Result<std::uint64_t> Client::disable_rules(const std::string& session,
                                            const RuleSelection& which) {
  v1::Request request;
  *request.mutable_disable_event() = message_of_selection(session, which);
  return connection_->ask(std::move(request), [](const auto& answer) {
    return std::uint64_t{answer.disable_event().rules()};
  });
}

Result<std::uint64_t> Client::remove_rules(const std::string& session, const RuleSelection& which) {
  v1::Request request;
  *request.mutable_disable_event() = message_of_selection(session, which);
  request.mutable_disable_event()->set_remove(true);
  return connection_->ask(std::move(request), [](const auto& answer) {
    return std::uint64_t{answer.disable_event().rules()};
  });
}

Status Client::add_context(const std::string& session, Domain domain, const std::string& context,
                           const std::optional<std::string>& channel) {
  v1::Request request;
  v1::AddContextRequest* asked = request.mutable_add_context();
  asked->set_session(session);
  asked->set_domain(message_of(domain));
  asked->set_context(context);
  if (channel) asked->set_channel(*channel);
  return connection_->tell(std::move(request));
}

Status Client::track(const std::string& session, Domain domain, Attribute attribute,
                     const AttributeValue& value) {
  return connection_->track(message_of_track(session, domain, attribute, &value, false));
}

Status Client::track_all(const std::string& session, Domain domain, Attribute attribute) {
  return connection_->track(message_of_track(session, domain, attribute, nullptr, false));
}

Status Client::untrack(const std::string& session, Domain domain, Attribute attribute,
                       const AttributeValue& value) {
  return connection_->track(message_of_track(session, domain, attribute, &value, true));
}

Status Client::untrack_all(const std::string& session, Domain domain, Attribute attribute) {
  return connection_->track(message_of_track(session, domain, attribute, nullptr, true));
}

Result<Snapshot> Client::record_snapshot(const std::string& session,
                                         const SnapshotRequest& snapshot) {
  v1::Request request;
  v1::RecordSnapshotRequest* asked = request.mutable_record_snapshot();
  asked->set_session(session);
  asked->set_name(snapshot.name);
  asked->set_path(snapshot.path);
  asked->set_max_bytes(snapshot.max_bytes);
  return connection_->ask(std::move(request), [](const auto& answer) {
    const v1::RecordSnapshotResponse& message = answer.record_snapshot();
    return Snapshot{
        {message.paths().begin(), message.paths().end()}, message.events(), message.bytes()};
  });
}

Result<SnapshotOutput> Client::add_snapshot_output(const std::string& session,
                                                   const SnapshotOutput& output) {
  v1::Request request;
  request.mutable_add_snapshot_output()->set_session(session);
  fill(output, request.mutable_add_snapshot_output()->mutable_output());
  return connection_->ask(std::move(request), [](const auto& answer) {
    return value_of(answer.add_snapshot_output().output());
  });
}

Result<SnapshotOutput> Client::remove_snapshot_output(const std::string& session,
                                                      const std::string& output) {
  v1::Request request;
  request.mutable_remove_snapshot_output()->set_session(session);
  request.mutable_remove_snapshot_output()->set_output(output);
  return connection_->ask(std::move(request), [](const auto& answer) {
    return value_of(answer.remove_snapshot_output().output());
  });
}

Result<std::string> Client::rotate(const std::string& session, Wait wait) {
  v1::Request request;
  request.mutable_rotate_session()->set_session(session);
  request.mutable_rotate_session()->set_no_wait(wait == Wait::kNo);
  return connection_->ask(std::move(request), [](const auto& answer) {
    return std::string(answer.rotate_session().archive());
  });
}

Status Client::schedule_rotation(const std::string& session, const RotationSchedule& schedule) {
  if (is_negative(schedule.period)) return negative_time();
  v1::Request request;
  v1::ScheduleRotationRequest* asked = request.mutable_schedule_rotation();
  asked->set_session(session);
  if (schedule.period) asked->set_period_ns(static_cast<std::uint64_t>(schedule.period->count()));
  if (schedule.bytes) asked->set_bytes(*schedule.bytes);
  return connection_->tell(std::move(request));
}

Status Client::cancel_rotation(const std::string& session, const RotationSchedule& which) {
  v1::Request request;
  v1::ScheduleRotationRequest* asked = request.mutable_schedule_rotation();
  asked->set_session(session);
  asked->set_remove(true);
  if (which.period) asked->set_period_ns(0);
  if (which.bytes) asked->set_bytes(0);
  return connection_->tell(std::move(request));
}

Status Client::clear(const std::string& session) {
  v1::Request request;
  request.mutable_clear_session()->set_session(session);
  return connection_->tell(std::move(request));
}

Result<std::uint64_t> Client::reclaim_memory(const std::string& session, const std::string& channel,
                                             std::chrono::nanoseconds older_than) {
  v1::Request request;
  request.mutable_reclaim_memory()->set_session(session);
  request.mutable_reclaim_memory()->set_channel(channel);
  request.mutable_reclaim_memory()->set_older_than_ns(
      static_cast<std::uint64_t>(std::max<std::int64_t>(older_than.count(), 0)));
  return connection_->ask(std::move(request), [](const auto& answer) {
    return std::uint64_t{answer.reclaim_memory().bytes()};
  });
}

Status Client::regenerate_metadata(const std::string& session) {
  v1::Request request;
  request.mutable_regenerate()->set_session(session);
  request.mutable_regenerate()->set_object(v1::RegenerateRequest::METADATA);
  return connection_->tell(std::move(request));
}

Status Client::regenerate_state_dump(const std::string& session) {
  v1::Request request;
  request.mutable_regenerate()->set_session(session);
  request.mutable_regenerate()->set_object(v1::RegenerateRequest::STATE_DUMP);
  return connection_->tell(std::move(request));
}

Status Client::save(const std::string& session, const std::string& file) {
  if (session.empty()) return Error{Error::Kind::kInvalidArgument, "a session has a name: give it"};
  v1::Request request;
  request.mutable_list_sessions()->set_name(session);
  const auto response = connection_->call(std::move(request));
  if (!response) return value_of(response.error());
  const auto written = lttng::write_file(
      file, lttng::write_session_file(response->list_sessions().sessions(0)), true);
  if (!written) return value_of(written.error());
  return Done();
}

Result<std::vector<Session>> Client::load(const std::string& file, bool replaces) {
  const auto text = lttng::read_file(file);
  if (!text) return value_of(text.error());
  auto saved = lttng::read_session_file(*text, file);
  if (!saved) return value_of(saved.error());
  std::vector<Session> sessions;
  for (lttng::SavedSession& each : *saved) {
    if (!each.output_problem.empty())
      return Error{Error::Kind::kUnsupported, file + ": " + each.output_problem};
    if (auto found = lttng::look_up_names(&each.session); !found) return value_of(found.error());
    const std::string name = each.session.name();
    const bool is_started = each.session.state() == v1::Session::STARTED;
    v1::Request request;
    *request.mutable_load_session()->mutable_session() = std::move(each.session);
    request.mutable_load_session()->set_replace(replaces);
    const auto loaded = connection_->call(std::move(request));
    if (!loaded) return value_of(loaded.error());
    sessions.push_back(value_of(loaded->load_session().session()));
    if (!is_started) continue;
    const auto started = start(name);
    if (!started)
      return Error{started.error().kind,
                   "session " + name + " is loaded, but not started: " + started.error().message};
    sessions.back().state = State::kStarted;
  }
  return sessions;
}

Result<Findings> Client::why_empty(const std::string& session, std::chrono::milliseconds watch) {
  // Not by way of nanoseconds, of which the longest would be too many.
  if (watch < watch.zero()) return negative_time();
  v1::Request request;
  request.mutable_why_empty()->set_name(session);
  // The daemon says what is too long.
  watch = std::min(watch, std::chrono::milliseconds(UINT32_MAX));
  request.mutable_why_empty()->set_watch_ms(static_cast<std::uint32_t>(watch.count()));
  return connection_->ask(
      std::move(request), [](const auto& answer) { return value_of(answer.why_empty()); }, watch);
}

}  // namespace sillage::control
