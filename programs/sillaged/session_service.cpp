// SPDX-License-Identifier: MIT
#include "sillaged/session_service.hpp"

#include "control/session_request.hpp"
#include "sillaged/chunk_state.hpp"
#include "sillaged/datetime.hpp"
#include "sillaged/memory_warning.hpp"
#include "sillaged/session_plan.hpp"
#include "sillaged/stats_message.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace sillage::daemon {
namespace {

using control::ConnectionId;
using control::v1::Request;
using control::v1::Response;

constexpr int kShownLeftOut = 10;

/// Which session a request is about; nothing if it is about none that there is already.
std::optional<std::string> session_of(const Request& request) {
  switch (request.request_case()) {
    case Request::kDestroySession: return request.destroy_session().name();
    case Request::kStartSession: return request.start_session().name();
    case Request::kStopSession: return request.stop_session().name();
    case Request::kEnableChannel: return request.enable_channel().session();
    case Request::kDisableChannel: return request.disable_channel().session();
    case Request::kEnableEvent: return request.enable_event().session();
    case Request::kDisableEvent: return request.disable_event().session();
    case Request::kAddContext: return request.add_context().session();
    case Request::kTrack: return request.track().session();
    case Request::kRecordSnapshot: return request.record_snapshot().session();
    case Request::kAddSnapshotOutput: return request.add_snapshot_output().session();
    case Request::kRemoveSnapshotOutput: return request.remove_snapshot_output().session();
    case Request::kRotateSession: return request.rotate_session().session();
    case Request::kScheduleRotation: return request.schedule_rotation().session();
    case Request::kClearSession: return request.clear_session().session();
    case Request::kReclaimMemory: return request.reclaim_memory().session();
    case Request::kRegenerate: return request.regenerate().session();
    case Request::kLoadSession: return request.load_session().session().name();
    case Request::kWhyEmpty: return request.why_empty().name();
    default: return std::nullopt;
  }
}

template <class Message>
void fill_left_out(const Recording& recording, Message* message) {
  for (const auto& channel : recording.kernel()) {
    message->set_left_out_count(message->left_out_count() + channel->left_out().size());
    for (const std::string& why : channel->left_out())
      if (message->left_out_size() < kShownLeftOut) message->add_left_out(why);
  }
}

/// What became of the kernel's rules. Those that are disabled are not the recording's.
void fill_rules(const session::Session& session, const Recording& recording,
                control::v1::WhyEmptyResponse* message) {
  const auto& channels = session.channels(session::Domain::kKernel);
  for (std::size_t i = 0; i < std::min(channels.size(), recording.kernel().size()); ++i) {
    if (!channels[i].is_enabled) continue;
    const auto reports = recording.kernel()[i]->rule_reports();
    auto report = reports.begin();
    for (std::size_t rule = 0; rule < channels[i].rules.size() && report != reports.end(); ++rule) {
      if (!channels[i].rules[rule].is_enabled) continue;
      auto* shown = message->add_kernel_rules();
      shown->set_channel(channels[i].settings.name);
      shown->set_rule(static_cast<std::uint32_t>(rule));
      shown->set_event_count(report->events.size());
      for (std::size_t k = 0; k < std::min<std::size_t>(report->events.size(), kShownLeftOut); ++k)
        shown->add_events(report->events[k]);
      shown->set_missed(report->missed);
      ++report;
    }
  }
}

void fill_memory(const ChannelMemory& memory, control::v1::SessionChannel* message) {
  for (const auto& [owner, streams] : memory) {
    auto* buffers = message->add_memory();
    buffers->set_per_process(owner.is_process);
    buffers->set_owner(owner.number);
    buffers->set_word_bits(owner.word_bits);
    for (const collect::StreamMemory& from : streams) {
      auto* stream = buffers->add_streams();
      if (from.cpu) stream->set_cpu(*from.cpu);
      stream->set_bytes(from.bytes);
      stream->set_max_bytes(from.max_bytes);
    }
  }
}

bool may_steer(uid_t user, const session::Session& session) {
  return user == 0 || user == ::geteuid() || user == session.options().owner_uid;
}

/// What a session, however it is asked for, would record.
Result<session::RecordingSession> new_plan_of(const session::Session& session) {
  const session::Session::Options& options = session.options();
  // Root's rights would make and remove the files where a member says.
  if (::geteuid() == 0 && options.owner_uid != 0 && !options.buffers_path.empty())
    return fail(Code::kPermission,
                "--shm-path at root's daemon is for root; set SILLAGE_RUNTIME_DIR to be served by "
                "your own");
  return plan_of(session);
}

template <class T>
std::optional<T> given(bool is_there, const T& value) {
  return is_there ? std::optional(value) : std::nullopt;
}

}  // namespace

bool SessionService::handles(const Request& request) {
  return session_of(request) || request.has_create_session() || request.has_list_sessions();
}

void SessionService::request(ConnectionId connection, const Request& request) {
  // Now: a command may be gone when its turn comes.
  take({connection, host_.user_of(connection), request});
}

void SessionService::take(const Asked& asked) {
  if (const auto name = session_of(asked.request)) {
    const auto found = running_.find(*name);
    if (found != running_.end() && found->second.is_busy) {
      found->second.waiting.push_back(asked);
      return;
    }
  }
  handle(asked);
}

void SessionService::handle(const Asked& command) {
  const auto& [connection, user, request] = command;
  if (const auto name = session_of(request)) {
    const auto there = sessions_.all().find(*name);
    if (there != sessions_.all().end() && !may_steer(user, there->second))
      return host_.reply(
          connection,
          Error{
              Code::kPermission, "Permission denied: session " + *name + " is another user's", {}});
  }
  if (handle_chunks(connection, request)) return;
  Response response;
  Status done;
  switch (request.request_case()) {
    case Request::kCreateSession:
      done = create(user, request.create_session(), response.mutable_create_session());
      break;
    case Request::kListSessions:
      done = list(user, request.list_sessions(), response.mutable_list_sessions());
      break;
    case Request::kWhyEmpty:
      if (request.why_empty().watch_ms() != 0) return watch(connection, request.why_empty());
      done = why_empty(request.why_empty().name(), response.mutable_why_empty());
      break;
    case Request::kStartSession: return start(connection, request.start_session().name());
    case Request::kStopSession: return stop(connection, request.stop_session());
    case Request::kDestroySession: return destroy(connection, request.destroy_session());
    case Request::kEnableChannel: return enable_channel(connection, request.enable_channel());
    case Request::kEnableEvent: return enable_event(connection, request.enable_event());
    case Request::kDisableEvent: return disable_event(connection, request.disable_event());
    case Request::kTrack: return track(connection, request.track());
    case Request::kLoadSession: return load(command);
    case Request::kDisableChannel: {
      const auto& asked = request.disable_channel();
      const auto domain = control::domain_of(asked.domain());
      if (!domain) return host_.reply(connection, domain.error());
      return change(
          connection, asked.session(),
          [=](session::Session& next) { return next.disable_channel(*domain, asked.channel()); },
          [](Response* answer) { answer->mutable_disable_channel(); });
    }
    case Request::kAddContext: {
      const auto& asked = request.add_context();
      const auto domain = control::domain_of(asked.domain());
      if (!domain) return host_.reply(connection, domain.error());
      return change(
          connection, asked.session(),
          [=](session::Session& next) {
            return next.add_context(*domain, given(asked.has_channel(), asked.channel()),
                                    asked.context());
          },
          [](Response* answer) { answer->mutable_add_context(); });
    }
    default: done = fail(Code::kUnsupported, "a request that is not about sessions"); break;
  }
  if (done) {
    host_.reply(connection, response);
  } else {
    host_.reply(connection, done.error());
  }
}

Status SessionService::create(uid_t user, const control::v1::CreateSessionRequest& request,
                              control::v1::CreateSessionResponse* response) {
  auto asked = control::request_of(request);
  if (!asked) return tl::unexpected<Error>(std::move(asked).error());
  asked->owner_uid = user;
  auto session = sessions_.create(*asked, session_datetime());
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  if (auto plan = new_plan_of(**session); !plan) {
    sessions_.remove(std::string((*session)->options().name));
    return tl::unexpected<Error>(std::move(plan).error());
  }
  control::fill(**session, response->mutable_session());
  note(**session);
  return {};
}

std::vector<std::string> SessionService::names() const {
  std::vector<std::string> names;
  for (const auto& [name, session] : sessions_.all()) names.push_back(name);
  return names;
}

void SessionService::note(const session::Session& session) {
  const auto found = running_.find(session.options().name);
  host_.note_session(session, found == running_.end() ? std::nullopt : found->second.rotates_at_ms);
}

void SessionService::restore(session::Session session, Recording* recording,
                             std::optional<std::uint64_t> rotates_at_ms) {
  const std::string name = session.options().name;
  if (recording != nullptr) {
    (void)session.start();
    Running& running = running_[name];
    running.recording = recording;
    running.rotates_at_ms = rotates_at_ms;
    session::Rotation& rotation = session.rotation();
    if (const auto& last = recording->last_chunk()) {
      running.chunk_begins_at = last->recorded_bytes();
      // The session's own state is written behind the recording's.
      if (last->then().next_id() > rotation.progress().next_id)
        rotation.resume(progress_of(last->then()));
    }
    if (recording->is_active() || !rotation.progress().was_started)
      rotation.start(chunk_datetime());
    if (!recording->is_active()) (void)session.stop();
  }
  note(session);
  (void)sessions_.add(std::move(session));
  if (recording != nullptr) recording->leave_again();
}

Status SessionService::list(uid_t user, const control::v1::ListSessionsRequest& request,
                            control::v1::ListSessionsResponse* response) {
  if (!request.name().empty()) {
    auto session = sessions_.find(request.name());
    if (!session) return tl::unexpected<Error>(std::move(session).error());
    if (!may_steer(user, **session)) return fail(Code::kNotFound, "Session name not found");
    describe(**session, response->add_sessions(), request.with_memory());
    return {};
  }
  for (const auto& [name, session] : sessions_.all())
    if (may_steer(user, session))
      describe(session, response->add_sessions(), request.with_memory());
  return {};
}

Status SessionService::why_empty(const std::string& name, control::v1::WhyEmptyResponse* response) {
  auto session = sessions_.find(name);
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  describe(**session, response->mutable_session());
  const auto found = running_.find(name);
  if (found == running_.end() || found->second.recording == nullptr) return {};
  Recording& recording = *found->second.recording;
  fill_stats(recording.stats(), response->mutable_stats());
  recording.coverage().fill(recording.session().channels(), response->mutable_coverage());
  recording.coverage().fill(response);
  fill_left_out(recording, response);
  fill_rules(**session, recording, response);
  response->set_warning(recording.warning());
  return {};
}

void SessionService::describe(const session::Session& session, control::v1::Session* message,
                              bool with_memory) {
  control::fill(session, message);
  const auto found = running_.find(session.options().name);
  if (found == running_.end() || found->second.recording == nullptr) return;
  for (control::v1::SessionDomain& part : *message->mutable_domains()) {
    for (control::v1::SessionChannel& channel : *part.mutable_channels()) {
      const collect::ChannelStats stats = found->second.recording->channel_stats(
          part.domain() == control::v1::KERNEL, channel.options().name());
      channel.set_discarded_events(stats.discarded_events);
      channel.set_lost_packets(stats.lost_packets);
      channel.set_rejected_events(stats.rejected_events);
      if (with_memory && part.domain() == control::v1::USER)
        fill_memory(found->second.recording->memory(channel.options().name()), &channel);
    }
  }
}

void SessionService::change(ConnectionId connection, const std::string& name,
                            const Transition& transition, const Answer& answer) {
  auto session = sessions_.find(name);
  if (!session) return host_.reply(connection, session.error());
  session::Session next = **session;
  if (Status changed = transition(next); !changed) return host_.reply(connection, changed.error());
  auto plan = plan_of(next);
  if (!plan) return host_.reply(connection, plan.error());
  const auto found = running_.find(name);
  Recording* recording = found == running_.end() ? nullptr : found->second.recording;
  const auto keep = [this, connection, name, answer, recording](session::Session kept,
                                                                session::RecordingSession carried) {
    if (recording != nullptr) {
      if (Status changed = recording->change(std::move(carried)); !changed) {
        recording->leave_again();
        return host_.reply(connection, changed.error());
      }
    }
    if (auto there = sessions_.find(name)) {
      **there = std::move(kept);
      note(**there);
    }
    if (recording != nullptr) {
      recording->leave_again();
      // Last: a later daemon finds no ring of a channel that it does not know.
      host_.renew(*recording);
    }
    Response response;
    answer(&response);
    host_.reply(connection, response);
  };
  if (Status sound = check_kernel(*plan); !sound) return host_.reply(connection, sound.error());
  if (recording == nullptr || plan->kernel_channels().empty())
    return keep(std::move(next), *std::move(plan));
  if (Status sound = Recording::check_change(*plan); !sound)
    return host_.reply(connection, sound.error());
  control::v1::Session announced;
  control::fill(next, &announced);
  recording->announce(std::move(announced));
  const kernel::Tracer* tracer = *host_.tracer();
  run(
      name,
      [recording, plan = *plan, tracer, loading = &host_.loading_mutex()] {
        const std::lock_guard one_at_a_time(*loading);
        LoadProgress progress{std::stop_token()};
        return recording->change_kernel(plan, *tracer, progress);
      },
      [this, connection, keep, recording, next = std::move(next),
       plan = *plan](const Status& done) {
        if (done) return keep(next, plan);
        recording->leave_again();
        host_.reply(connection, done.error());
      });
}

// What the kernel has not is a mistake that a user wants to know at once.
Status SessionService::check_kernel(const session::RecordingSession& plan) {
  if (plan.kernel_channels().empty()) return {};
  auto tracer = host_.tracer();
  if (!tracer) return tl::unexpected<Error>(std::move(tracer).error());
  for (const session::KernelChannel& channel : plan.kernel_channels())
    SILLAGE_TRY(KernelRecording::check(channel, **tracer));
  return {};
}

void SessionService::enable_channel(ConnectionId connection,
                                    const control::v1::EnableChannelRequest& request) {
  const auto domain = control::domain_of(request.domain());
  if (!domain) return host_.reply(connection, domain.error());
  const auto asked = control::request_of(request.options());
  if (!asked) return host_.reply(connection, asked.error());
  auto outcome = std::make_shared<session::Enabled>();
  change(
      connection, request.session(),
      [=](session::Session& next) -> Status {
        auto done = next.enable_channel(*domain, *asked);
        if (!done) return tl::unexpected<Error>(std::move(done).error());
        *outcome = *done;
        return {};
      },
      [this, outcome, domain, request](Response* response) {
        auto* answer = response->mutable_enable_channel();
        answer->set_is_new(*outcome == session::Enabled::kCreated);
        control::v1::Session shown;
        if (auto session = sessions_.find(request.session())) {
          control::fill(**session, &shown);
          const auto* made = (*session)->find_channel(*domain, request.options().name());
          if (made != nullptr) answer->set_warning(memory_warning(made->settings, *domain));
        }
        for (const auto& part : shown.domains())
          for (const auto& channel : part.channels())
            if (part.domain() == request.domain() &&
                channel.options().name() == request.options().name())
              *answer->mutable_channel() = channel;
      });
}

void SessionService::enable_event(ConnectionId connection,
                                  const control::v1::EnableEventRequest& request) {
  const auto rule = control::rule_of(request.rule());
  if (!rule) return host_.reply(connection, rule.error());
  auto outcome = std::make_shared<session::Enabled>();
  change(
      connection, request.session(),
      [=](session::Session& next) -> Status {
        auto done = next.enable_rule(given(request.has_channel(), request.channel()), *rule);
        if (!done) return tl::unexpected<Error>(std::move(done).error());
        *outcome = *done;
        return {};
      },
      [this, outcome, name = request.session()](Response* response) {
        auto* answer = response->mutable_enable_event();
        answer->set_is_new(*outcome == session::Enabled::kCreated);
        const auto found = running_.find(name);
        if (found != running_.end() && found->second.recording != nullptr)
          fill_left_out(*found->second.recording, answer);
      });
}

void SessionService::disable_event(ConnectionId connection,
                                   const control::v1::DisableEventRequest& request) {
  const auto domain = control::domain_of(request.domain());
  if (!domain) return host_.reply(connection, domain.error());
  const auto which = control::selection_of(request);
  if (!which) return host_.reply(connection, which.error());
  auto count = std::make_shared<std::size_t>();
  change(
      connection, request.session(),
      [=](session::Session& next) -> Status {
        const auto channel = given(request.has_channel(), request.channel());
        auto done = request.remove() ? next.remove_rules(*domain, channel, *which)
                                     : next.disable_rules(*domain, channel, *which);
        if (!done) return tl::unexpected<Error>(std::move(done).error());
        *count = *done;
        return {};
      },
      [count](Response* response) { response->mutable_disable_event()->set_rules(*count); });
}

void SessionService::track(ConnectionId connection, const control::v1::TrackRequest& request) {
  const auto domain = control::domain_of(request.domain());
  if (!domain) return host_.reply(connection, domain.error());
  const auto attribute = control::attribute_of(request.attribute());
  if (!attribute) return host_.reply(connection, attribute.error());
  const auto outcomes = std::make_shared<control::v1::TrackResponse>();
  const auto change_one = [=](session::InclusionSet& set, const control::v1::ProcessValue& value) {
    return request.remove() ? set.remove(value.number()) : set.add(value.number(), value.name());
  };
  change(
      connection, request.session(),
      [=](session::Session& next) -> Status {
        auto set = next.inclusion_set(*domain, *attribute);
        if (!set) return tl::unexpected<Error>(std::move(set).error());
        if (request.all()) {
          if (request.remove()) {
            (*set)->remove_all();
          } else {
            (*set)->add_all();
          }
          return {};
        }
        if (request.values().empty()) return change_one(**set, request.value());
        for (const control::v1::ProcessValue& value : request.values()) {
          control::v1::Error* const outcome = outcomes->add_outcomes();
          if (const Status done = change_one(**set, value); !done) {
            outcome->set_code(static_cast<std::uint32_t>(done.error().code));
            outcome->set_message(done.error().text());
          }
        }
        return {};
      },
      [outcomes](Response* response) { *response->mutable_track() = *outcomes; });
}

void SessionService::load(const Asked& asked) {
  const ConnectionId connection = asked.connection;
  const control::v1::LoadSessionRequest& request = asked.request.load_session();
  const std::string name = request.session().name();
  control::v1::Session saved = request.session();
  saved.set_owner_uid(asked.user);
  if (saved.mode() == control::v1::CreateSessionRequest::LOCAL && !saved.path().empty())
    saved.set_path(unused_output(saved.path()));
  if (!saved.buffers_path().empty()) saved.set_buffers_path(unused_output(saved.buffers_path()));
  auto session = control::saved_session_of(saved);
  if (!session) return host_.reply(connection, session.error());
  if (auto plan = new_plan_of(*session); !plan) {
    return host_.reply(connection, plan.error());
  } else if (Status sound = check_kernel(*plan); !sound) {
    return host_.reply(connection, sound.error());
  }
  if (request.replace()) sessions_.remove(name);
  auto added = sessions_.add(*std::move(session));
  if (!added) return host_.reply(connection, added.error());
  Response response;
  control::fill(**added, response.mutable_load_session()->mutable_session());
  note(**added);
  const auto found = running_.find(name);
  if (found == running_.end()) return host_.reply(connection, response);
  // What the replaced one recorded: complete before this one can begin.
  std::shared_ptr<Recording> recording = host_.remove_recording(found->second.recording->id());
  found->second.recording = nullptr;
  run(
      name,
      [recording]() -> Status {
        (void)recording->finish();
        return {};
      },
      [this, connection, response](const Status&) { host_.reply(connection, response); });
}

void SessionService::start(ConnectionId connection, const std::string& name) {
  auto session = sessions_.find(name);
  if (!session) return host_.reply(connection, session.error());
  session::Session next = **session;
  if (Status started = next.start(); !started) return host_.reply(connection, started.error());
  auto plan = plan_of(next);
  if (!plan) return host_.reply(connection, plan.error());
  const kernel::Tracer* tracer = nullptr;
  if (!plan->kernel_channels().empty()) {
    auto opened = host_.tracer();
    if (!opened) return host_.reply(connection, opened.error());
    tracer = *opened;
  }
  const bool is_first = !running_.contains(name);
  if (is_first) {
    auto output = host_.make_output(connection, plan->options().output_path);
    if (!output) return host_.reply(connection, output.error());
    auto made = host_.add_recording(*plan, *std::move(output));
    if (!made) return host_.reply(connection, made.error());
    running_[name].recording = *made;
  }
  Recording* recording = running_[name].recording;
  const auto finish = [this, connection, name, is_first, recording](const Status& done) {
    if (!done) {
      if (is_first) {
        host_.remove_recording(recording->id())->discard();
        running_[name].recording = nullptr;
      }
      return host_.reply(connection, done.error());
    }
    recording->activate();
    host_.renew(*recording);
    if (auto there = sessions_.find(name)) {
      (void)(*there)->start();
      (*there)->rotation().start(chunk_datetime());
      note(**there);
    }
    Response response;
    fill_left_out(*recording, response.mutable_start_session());
    host_.reply(connection, response);
  };
  if (tracer == nullptr) return finish({});
  run(
      name,
      [recording, tracer, is_first, loading = &host_.loading_mutex()]() -> Status {
        if (is_first || recording->has_adopted_kernel()) {
          const std::lock_guard one_at_a_time(*loading);
          LoadProgress progress{std::stop_token()};
          SILLAGE_TRY(recording->add_kernel(*tracer, progress));
        }
        return recording->start_kernel();
      },
      finish);
}

void SessionService::stop(ConnectionId connection, const control::v1::StopSessionRequest& request) {
  auto session = sessions_.find(request.name());
  if (!session) return host_.reply(connection, session.error());
  if (Status stopped = (*session)->stop(); !stopped)
    return host_.reply(connection, stopped.error());
  Recording* recording = running_.at(request.name()).recording;
  recording->deactivate();
  note(**session);
  host_.renew(*recording);
  const auto answer = [this, connection, recording](const collect::Stats& stats) {
    Response response;
    fill_stats(stats, response.mutable_stop_session()->mutable_stats());
    response.mutable_stop_session()->set_warning(recording->warning());
    host_.reply(connection, response);
  };
  const bool waits = !request.no_wait();
  auto stats = std::make_shared<collect::Stats>();
  run(
      request.name(),
      [recording, stats]() -> Status {
        *stats = recording->complete();
        return {};
      },
      [answer, stats, waits](const Status&) {
        if (waits) answer(*stats);
      });
  if (!waits) answer({});
}

void SessionService::destroy(ConnectionId connection,
                             const control::v1::DestroySessionRequest& request) {
  const std::string& name = request.name();
  auto session = sessions_.find(name);
  if (!session) return host_.reply(connection, session.error());
  Response response;
  control::v1::DestroySessionResponse* answer = response.mutable_destroy_session();
  describe(**session, answer->mutable_session());
  const auto found = running_.find(name);
  const session::Session destroyed = **session;
  sessions_.remove(name);
  if (found == running_.end()) {
    host_.forget_session(name);
    return host_.reply(connection, response);
  }
  std::shared_ptr<Recording> recording = host_.remove_recording(found->second.recording->id());
  found->second.recording = nullptr;
  const bool waits = !request.no_wait();
  auto stats = std::make_shared<collect::Stats>();
  auto archive = std::make_shared<std::string>();
  run(
      name,
      [recording, stats, archive, destroyed]() -> Status {
        *stats = recording->finish();
        auto made = end_chunk(destroyed, *recording);
        if (!made) return tl::unexpected<Error>(std::move(made).error());
        *archive = *std::move(made);
        return {};
      },
      [this, connection, name, recording, stats, archive, waits,
       response](const Status& done) mutable {
        // Not before its trace is complete; nor another one, made meanwhile.
        if (!sessions_.find(name)) host_.forget_session(name);
        if (!waits) return;
        response.mutable_destroy_session()->set_archive(*archive);
        auto* summary = response.mutable_destroy_session();
        fill_stats(*stats, summary->mutable_stats());
        recording->coverage().fill(recording->session().channels(), summary->mutable_coverage());
        summary->set_warning(done ? recording->warning() : done.error().text());
        host_.reply(connection, response);
      });
  if (!waits) host_.reply(connection, response);
}

void SessionService::run(const std::string& name, std::function<Status()> work,
                         std::function<void(Status)> finish) {
  running_[name].is_busy = true;
  auto result = std::make_shared<Status>();
  background_.run([work = std::move(work), result] { *result = work(); },
                  [this, name, finish = std::move(finish), result] {
                    running_[name].is_busy = false;
                    finish(std::move(*result));
                    go_on(name);
                  });
}

void SessionService::go_on(const std::string& name) {
  const auto found = running_.find(name);
  if (found == running_.end()) return;
  std::deque<Asked> waiting = std::exchange(found->second.waiting, {});
  if (found->second.recording == nullptr) running_.erase(found);
  // The first may make it busy again: the others wait again, in their order.
  for (const Asked& each : waiting) take(each);
}

}  // namespace sillage::daemon
