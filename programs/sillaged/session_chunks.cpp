// SPDX-License-Identifier: MIT
// SessionService: snapshots, rotation, clear and regenerate.
#include "collect/output_directory.hpp"
#include "control/session_request.hpp"
#include "sillaged/chunk_state.hpp"
#include "sillaged/datetime.hpp"
#include "sillaged/session_service.hpp"

#include <algorithm>
#include <utility>

namespace sillage::daemon {
namespace {

using control::ConnectionId;
using control::v1::Request;
using control::v1::Response;

constexpr std::uint64_t kMillisecondNs = 1'000'000;
// How late a chunk's size may be noticed, and how soon a rotation is tried again that another request was in the way of.
constexpr int kLookMs = 250;

std::uint64_t monotonic_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1000 +
         static_cast<std::uint64_t>(now.tv_nsec) / kMillisecondNs;
}

Error about(Error error, const std::string& session) {
  error.message += " on session " + session;
  return error;
}

Status add_output(session::SessionList& sessions,
                  const control::v1::AddSnapshotOutputRequest& request, Response* response) {
  auto session = sessions.find(request.session());
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  if ((*session)->options().mode == session::OutputMode::kLocal)
    return (*session)->check_snapshot();
  const auto& output = request.output();
  auto added = (*session)->snapshot_outputs().add(output.name(), output.path(), output.max_bytes());
  if (!added) return tl::unexpected<Error>(std::move(added).error());
  control::fill(*added, response->mutable_add_snapshot_output()->mutable_output());
  return {};
}

Status remove_output(session::SessionList& sessions,
                     const control::v1::RemoveSnapshotOutputRequest& request, Response* response) {
  auto session = sessions.find(request.session());
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  auto removed = (*session)->snapshot_outputs().remove(request.output());
  if (!removed) return tl::unexpected<Error>(std::move(removed).error());
  control::fill(*removed, response->mutable_remove_snapshot_output()->mutable_output());
  return {};
}

}  // namespace

bool SessionService::handle_chunks(ConnectionId connection, const Request& request) {
  Response response;
  Status done;
  switch (request.request_case()) {
    case Request::kRecordSnapshot:
      record_snapshot(connection, request.record_snapshot());
      return true;
    case Request::kRotateSession: rotate(connection, request.rotate_session()); return true;
    case Request::kClearSession: clear(connection, request.clear_session().session()); return true;
    case Request::kReclaimMemory: reclaim_memory(connection, request.reclaim_memory()); return true;
    case Request::kRegenerate: regenerate(connection, request.regenerate()); return true;
    case Request::kAddSnapshotOutput:
      done = add_output(sessions_, request.add_snapshot_output(), &response);
      break;
    case Request::kRemoveSnapshotOutput:
      done = remove_output(sessions_, request.remove_snapshot_output(), &response);
      break;
    case Request::kScheduleRotation:
      response.mutable_schedule_rotation();
      done = schedule_rotation(request.schedule_rotation());
      break;
    default: return false;
  }
  if (done) {
    host_.reply(connection, response);
  } else {
    host_.reply(connection, done.error());
  }
  return true;
}

// What a thread puts into `response`, or why it could not.
std::function<void(Status)> SessionService::answer_later(ConnectionId connection,
                                                         std::shared_ptr<Response> response) {
  return [this, connection, response = std::move(response)](const Status& done) {
    if (!done) return host_.reply(connection, done.error());
    host_.reply(connection, *response);
  };
}

void SessionService::record_snapshot(ConnectionId connection,
                                     const control::v1::RecordSnapshotRequest& request) {
  auto session = sessions_.find(request.session());
  if (!session) return host_.reply(connection, session.error());
  if (Status allowed = (*session)->check_snapshot(); !allowed)
    return host_.reply(connection, allowed.error());
  auto plans = (*session)->snapshot_outputs().plan(
      {request.name(), request.path(), request.max_bytes()}, session_datetime());
  if (!plans) return host_.reply(connection, plans.error());
  note(**session);
  auto outputs = std::make_shared<std::vector<collect::SnapshotOptions>>();
  for (const session::SnapshotPlan& plan : *plans) {
    auto output = host_.make_output(connection, plan.path);
    if (!output) {
      for (const collect::SnapshotOptions& made : *outputs)
        if (made.output) collect::remove_output(made.output.value(), made.path, {});
      return host_.reply(connection, output.error());
    }
    outputs->push_back({plan.path, plan.max_bytes, *std::move(output)});
  }
  Recording* recording = running_.at(request.session()).recording;
  auto response = std::make_shared<Response>();
  run(
      request.session(),
      [recording, outputs, response]() -> Status {
        const auto made = recording->snapshot(*outputs);
        if (!made) return tl::unexpected<Error>(made.error());
        auto* answer = response->mutable_record_snapshot();
        for (const collect::SnapshotOptions& output : *outputs) answer->add_paths(output.path);
        answer->set_events(made->events);
        answer->set_bytes(made->bytes);
        return {};
      },
      answer_later(connection, response));
}

Status SessionService::begin_rotation(const std::string& name,
                                      std::function<void(Result<std::string>)> then) {
  auto session = sessions_.find(name);
  if (!session) return tl::unexpected<Error>(std::move(session).error());
  const std::string now = chunk_datetime();
  const auto archive = (*session)->rotation().archive(now);
  if (!archive) return tl::unexpected<Error>(archive.error());
  SILLAGE_TRY((*session)->check_rotation());
  const std::string path = (*session)->options().output_path + "/" + *archive;
  Recording* recording = running_.at(name).recording;
  session::Rotation next = (*session)->rotation();
  next.archived(now, (*session)->state() == session::Session::State::kStarted);
  run(
      name,
      [recording, archive = *archive, chunks = chunks_of(next.progress())] {
        return recording->rotate(archive, chunks);
      },
      [this, name, path, next, recording, then = std::move(then)](const Status& done) {
        if (!done) return then(tl::unexpected<Error>(done.error()));
        running_[name].chunk_begins_at = recording->recorded_bytes();
        if (auto there = sessions_.find(name)) {
          (*there)->rotation().resume(next.progress());
          note(**there);
        }
        then(path);
      });
  return {};
}

void SessionService::rotate(ConnectionId connection,
                            const control::v1::RotateSessionRequest& request) {
  const bool waits = !request.no_wait();
  Status begun =
      begin_rotation(request.session(), [this, connection, waits](Result<std::string> archive) {
        if (!waits) return;
        if (!archive) return host_.reply(connection, archive.error());
        Response response;
        response.mutable_rotate_session()->set_archive(*archive);
        host_.reply(connection, response);
      });
  if (!begun) return host_.reply(connection, begun.error());
  if (waits) return;
  Response response;
  response.mutable_rotate_session();
  host_.reply(connection, response);
}

Status SessionService::schedule_rotation(const control::v1::ScheduleRotationRequest& request) {
  auto found = sessions_.find(request.session());
  if (!found) return tl::unexpected<Error>(std::move(found).error());
  session::Session& session = **found;
  session::Rotation next = session.rotation();
  const auto apply = [&](bool is_asked, const auto& change) -> Status {
    if (!is_asked) return {};
    Status done = change();
    return done ? done : tl::unexpected<Error>(about(std::move(done).error(), request.session()));
  };
  if (!request.remove()) SILLAGE_TRY(session.check_rotation());
  SILLAGE_TRY(apply(request.has_period_ns(), [&] {
    return request.remove() ? next.cancel_period()
                            : next.schedule(Nanoseconds{request.period_ns()});
  }));
  SILLAGE_TRY(apply(request.has_bytes(), [&] {
    return request.remove() ? next.cancel_size() : next.schedule(ByteCount{request.bytes()});
  }));
  session.rotation() = next;
  const auto running = running_.find(request.session());
  if (running != running_.end()) running->second.rotates_at_ms.reset();
  note(session);
  return {};
}

int SessionService::rotate_on_schedule() {
  const std::uint64_t now = monotonic_ms();
  std::uint64_t next = UINT64_MAX;
  std::vector<std::string> due;
  for (auto& [name, running] : running_) {
    const auto found = sessions_.find(name);
    if (!found || running.recording == nullptr || !(*found)->rotation().is_open()) continue;
    const session::Rotation& rotation = (*found)->rotation();
    bool is_due = false;
    if (const auto period = rotation.period()) {
      const std::uint64_t period_ms = std::max<std::uint64_t>(1, period->value / kMillisecondNs);
      if (!running.rotates_at_ms) {
        running.rotates_at_ms = now + period_ms;
        note(**found);
      }
      is_due = now >= *running.rotates_at_ms;
      // From the time when it was due, so that periods do not grow by what is in the way of each; but what passed while
      // no daemon ran is not made up for.
      if (is_due && !running.is_busy) {
        const std::uint64_t next_ms = *running.rotates_at_ms + period_ms;
        running.rotates_at_ms = next_ms > now ? next_ms : now + period_ms;
      }
      next = std::min(next, is_due && running.is_busy ? now + kLookMs : *running.rotates_at_ms);
    }
    if (const auto size = rotation.size()) {
      is_due |= !running.is_busy &&
                running.recording->recorded_bytes() - running.chunk_begins_at >= size->value;
      next = std::min(next, now + kLookMs);
    }
    if (is_due && !running.is_busy) due.push_back(name);
  }
  // A schedule has nobody to tell; what fails is tried again.
  for (const std::string& name : due) (void)begin_rotation(name, [](const Result<std::string>&) {});
  return next == UINT64_MAX ? -1 : static_cast<int>(std::min<std::uint64_t>(next - now, 60'000));
}

void SessionService::clear(ConnectionId connection, const std::string& name) {
  auto session = sessions_.find(name);
  if (!session) return host_.reply(connection, session.error());
  const bool had_chunk = (*session)->check_rotation() && (*session)->rotation().is_open();
  session::Rotation next = (*session)->rotation();
  next.cleared(chunk_datetime());
  const auto done = [this, connection, name, had_chunk, next](const Status& cleared) {
    if (!cleared) return host_.reply(connection, cleared.error());
    if (auto there = sessions_.find(name)) {
      (*there)->rotation().resume(next.progress());
      note(**there);
    }
    Response response;
    response.mutable_clear_session()->set_had_chunk(had_chunk);
    host_.reply(connection, response);
  };
  const auto found = running_.find(name);
  if (found == running_.end() || found->second.recording == nullptr) return done({});
  run(
      name,
      [recording = found->second.recording, chunks = chunks_of(next.progress())] {
        return recording->clear(chunks);
      },
      [this, name, done](const Status& cleared) {
        Running& running = running_[name];
        running.chunk_begins_at = running.recording->recorded_bytes();
        done(cleared);
      });
}

void SessionService::reclaim_memory(ConnectionId connection,
                                    const control::v1::ReclaimMemoryRequest& request) {
  const auto session = sessions_.find(request.session());
  if (!session) return host_.reply(connection, session.error());
  const auto& channels = (*session)->channels(session::Domain::kUser);
  const bool is_there = std::any_of(channels.begin(), channels.end(), [&](const auto& each) {
    return each.settings.name == request.channel();
  });
  if (!is_there)
    return host_.reply(connection, fail(Code::kNotFound, "Channel `" + request.channel() +
                                                             "` does not exist in session `" +
                                                             request.session() + "`")
                                       .value());
  auto response = std::make_shared<Response>();
  response->mutable_reclaim_memory();
  const auto found = running_.find(request.session());
  // What never recorded has no memory.
  if (found == running_.end() || found->second.recording == nullptr)
    return host_.reply(connection, *response);
  run(
      request.session(),
      [recording = found->second.recording, request, response]() -> Status {
        const auto reclaimed =
            recording->reclaim_memory(request.channel(), Nanoseconds{request.older_than_ns()});
        if (!reclaimed) return tl::unexpected<Error>(reclaimed.error());
        response->mutable_reclaim_memory()->set_subbufs(reclaimed->subbufs);
        response->mutable_reclaim_memory()->set_bytes(reclaimed->bytes);
        return {};
      },
      answer_later(connection, response));
}

void SessionService::regenerate(ConnectionId connection,
                                const control::v1::RegenerateRequest& request) {
  auto session = sessions_.find(request.session());
  if (!session) return host_.reply(connection, session.error());
  if ((*session)->state() != session::Session::State::kStarted)
    return host_.reply(connection,
                       Error{Code::kNotReady, "Session not started: start it first", {}});
  const bool is_metadata = request.object() == control::v1::RegenerateRequest::METADATA;
  run(
      request.session(),
      [recording = running_.at(request.session()).recording, is_metadata]() -> Status {
        if (is_metadata) return recording->regenerate_metadata();
        const auto dumped = recording->dump_state();
        return dumped ? Status() : tl::unexpected<Error>(dumped.error());
      },
      [this, connection, name = request.session(), is_metadata](const Status& done) {
        if (!done) return host_.reply(connection, done.error());
        if (Recording* recording = running_.at(name).recording;
            !is_metadata && recording->ask_for_state())
          host_.renew(*recording);
        Response response;
        response.mutable_regenerate();
        host_.reply(connection, response);
      });
}

Result<std::string> SessionService::end_chunk(const session::Session& session,
                                              Recording& recording) {
  const session::Rotation& rotation = session.rotation();
  if (!rotation.has_archives()) return std::string();
  if (!rotation.is_open()) {
    // What the last rotation prepared in case that the session would go on.
    SILLAGE_TRY(recording.end_chunk({}));
    return std::string();
  }
  auto archive = rotation.archive(chunk_datetime());
  if (!archive) return archive;
  SILLAGE_TRY(recording.end_chunk(*archive));
  return session.options().output_path + "/" + *archive;
}

}  // namespace sillage::daemon
