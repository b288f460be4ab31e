// SPDX-License-Identifier: MIT
// The daemon after a daemon that was killed: it takes over its recordings, which their commands ask for, or ends them.
#include "apps/peer.hpp"
#include "apps/proc_files.hpp"
#include "control/session_message.hpp"
#include "control/session_request.hpp"
#include "sillaged/chunk_state.hpp"
#include "sillaged/daemon.hpp"
#include "sillaged/session_plan.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace sillage::daemon {

v1::RecordingState Daemon::state_of(control::ConnectionId connection,
                                    const control::v1::CreateRecordingRequest& request) const {
  v1::RecordingState state;
  *state.mutable_request() = request;
  const auto peer = control_->peer(connection);
  if (!peer) return state;
  state.mutable_owner()->set_uid(peer->uid);
  state.mutable_owner()->set_pid(peer->pid);
  if (const auto facts = apps::process_facts(peer->pid))
    state.mutable_owner()->set_start_ticks(facts->start_ticks);
  return state;
}

Estate Daemon::estate() {
  if (!is_clock_kept_) is_clock_kept_ = descriptors_->keep("clock", clock_->own_fd()).has_value();
  return {&store_, descriptors_.get()};
}

void Daemon::release_clock() {
  if (is_clock_kept_) descriptors_->forget("clock");
  is_clock_kept_ = false;
}

void Daemon::adopt_recordings(hold::Descriptors* inherited) {
  std::vector<std::string> refused;
  std::vector<v1::RecordingState> states = store_.load(&refused);
  std::vector<v1::RecordingState> known = states;
  for (v1::RecordingState& state : states) {
    if (!state.session().empty()) continue;
    auto plan = control::session_of(state.request());
    if (plan) (void)adopt_recording(std::move(state), *std::move(plan), inherited);
    state.Clear();
  }
  for (v1::SessionState& state : store_.load_sessions(&refused))
    adopt_session(std::move(state), &states, inherited);
  // Of a session whose state could not be read.
  for (const v1::RecordingState& state : states)
    if (!state.session().empty()) store_.refuse(state.recording());
  // Not before: what a change had pinned beside what goes on runs until the change is completed.
  std::erase_if(known,
                [this](const auto& each) { return !recordings_.contains(each.recording()); });
  store_.remove_others(known);
  for (const std::string& why : refused) fmt::print(stderr, "sillaged: {}\n", why);
}

Daemon::Owned* Daemon::adopt_recording(v1::RecordingState state, session::RecordingSession plan,
                                       hold::Descriptors* inherited) {
  const std::uint64_t id = state.recording();
  const bool is_sessions = !state.session().empty();
  const v1::Owner command = state.owner();
  const std::string path = plan.options().output_path, buffers = plan.options().buffers_path;
  auto recording = Recording::adopt(std::move(state), std::move(plan), *clock_,
                                    {&store_, descriptors_.get()}, inherited);
  if (!recording) {
    // Of another boot, or half taken away: what is in its trace is all there is.
    fmt::print(
        stderr, "sillaged: the recording to {} ended with the daemon that was killed: {}{}\n", path,
        recording.error().text(),
        buffers.empty() ? ""
                        : "; what was not written is in " + buffers + ": see sillage-crash(1)");
    store_.refuse(id);
    return nullptr;
  }
  Owned owned{*std::move(recording), 0, 0};
  if (is_sessions) return &recordings_.emplace(id, std::move(owned)).first->second;
  owned.heir = Heir{command.uid(), {}};
  auto pidfd = apps::open_pidfd(command.pid());
  const auto facts = apps::process_facts(command.pid());
  if (pidfd && facts && facts->start_ticks == command.start_ticks())
    owned.heir->pidfd = *std::move(pidfd);
  return &recordings_.emplace(id, std::move(owned)).first->second;
}

void Daemon::note_session(const session::Session& session,
                          std::optional<std::uint64_t> rotates_at_ms) {
  v1::SessionState state;
  state.set_format(kStateFormat);
  control::fill(session, state.mutable_session());
  *state.mutable_chunks() = chunks_of(session.rotation().progress());
  state.set_rotates_at_ms(rotates_at_ms.value_or(0));
  state.set_snapshots(session.snapshot_outputs().planned());
  // Not written, a later daemon finds the session as it was before.
  (void)!store_.save_session(state);
}

void Daemon::adopt_session(v1::SessionState state, std::vector<v1::RecordingState>* recordings,
                           hold::Descriptors* inherited) {
  const std::string name = state.session().name();
  const auto left = std::find_if(recordings->begin(), recordings->end(),
                                 [&](const auto& each) { return each.session() == name; });
  // Killed between the change of its recording and its own.
  if (left != recordings->end() && left->has_next_session())
    *state.mutable_session() = left->next_session();
  auto session = control::saved_session_of(state.session());
  auto plan = session ? plan_of(*session) : tl::unexpected(session.error());
  if (!plan) {
    fmt::print(stderr, "sillaged: session {} cannot be taken over: {}\n", name,
               plan.error().text());
    return;
  }
  Owned* owned = nullptr;
  if (left != recordings->end()) {
    v1::RecordingState its = std::move(*left);
    recordings->erase(left);
    owned = adopt_recording(std::move(its), *std::move(plan), inherited);
  }
  session->snapshot_outputs().resume(state.snapshots());
  if (owned != nullptr) {
    session->rotation().resume(progress_of(state.chunks()));
    return sessions_->restore(
        *std::move(session), owned->recording.get(),
        state.rotates_at_ms() != 0 ? std::optional(state.rotates_at_ms()) : std::nullopt);
  }
  if (state.session().state() == control::v1::Session::CREATED)
    return sessions_->restore(*std::move(session), nullptr, {});
  // What it recorded is where it was. It can be started again, elsewhere.
  control::v1::Session moved = state.session();
  moved.set_path(unused_output(moved.path()));
  if (!moved.buffers_path().empty()) moved.set_buffers_path(unused_output(moved.buffers_path()));
  fmt::print(stderr,
             "sillaged: session {} ended with the daemon that was killed; its trace is in {}, and "
             "a new start "
             "records to {}\n",
             name, state.session().path(), moved.path());
  session = control::saved_session_of(moved);
  if (session) sessions_->restore(*std::move(session), nullptr, {});
}

void Daemon::end_gone_processes() {
  std::set<std::uint32_t> living;
  apps_->registry().for_each_process(
      [&](const apps::Process& process) { living.insert(process.registration); });
  for (const auto& [id, owned] : recordings_) owned.recording->end_processes(living);
}

Status Daemon::resume_recording(control::ConnectionId connection, std::uint64_t id) {
  auto found = recordings_.find(id);
  const auto peer = control_->peer(connection);
  if (found == recordings_.end() || !found->second.heir || !peer ||
      peer->uid != found->second.heir->uid) {
    return fail(Code::kNotFound, "no recording " + std::to_string(id) +
                                     " of this user has been left by an earlier daemon");
  }
  found->second.heir.reset();
  found->second.owner = connection;
  return {};
}

void Daemon::end_orphans() {
  std::vector<std::uint64_t> orphans;
  for (const auto& [id, owned] : recordings_)
    if (owned.heir && (!owned.heir->pidfd || !apps::is_alive(owned.heir->pidfd)))
      orphans.push_back(id);
  for (const std::uint64_t id : orphans) stop_recording(id, std::nullopt);
}

}  // namespace sillage::daemon
