// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "collect/stats.hpp"
#include "control/control.pb.h"
#include "control/server.hpp"
#include "kernel/tracer.hpp"
#include "session/session_list.hpp"
#include "sillaged/background.hpp"
#include "sillaged/recording.hpp"
#include "sillaged/rule_watch.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sillage::daemon {

/// What sessions need of the daemon that they live in.
class RecordingHost {
 public:
  virtual ~RecordingHost() = default;
  /// Makes a recording that no connection owns; `output` as Recording::create() has it.
  [[nodiscard]] virtual Result<Recording*> add_recording(session::RecordingSession plan,
                                                         Fd output) = 0;
  /// Takes a recording out: programs feed it no more. It is to be finished.
  [[nodiscard]] virtual std::unique_ptr<Recording> remove_recording(std::uint64_t id) = 0;
  /// Decides anew what each image feeds into a recording, and sets the gates.
  virtual void renew(Recording& recording) = 0;
  /// What attaches to the kernel; opened when it is first wanted.
  [[nodiscard]] virtual Result<const kernel::Tracer*> tracer() = 0;
  /// Held while programs are loaded: one thread at a time uses the tracer.
  [[nodiscard]] virtual std::mutex& loading_mutex() = 0;
  /// A session is as it is now: what a later daemon is to find, if this one is killed. `rotates_at_ms`: by its period.
  virtual void note_session(const session::Session& session,
                            std::optional<std::uint64_t> rotates_at_ms) = 0;
  /// There is no session of this name any more.
  virtual void forget_session(const std::string& name) = 0;
  /// Opens an output directory for another user than the daemon's at the other end, with that user's rights, making what is not
  /// there yet; none if it is to be opened with the daemon's own.
  ///
  /// Errors: those of collect::make_directory(); kNotFound  whoever asked has gone.
  [[nodiscard]] virtual Result<Fd> make_output(control::ConnectionId connection,
                                               const std::string& path) = 0;
  /// Whose command is at the other end; no user's if it has gone.
  [[nodiscard]] virtual uid_t user_of(control::ConnectionId connection) const = 0;
  virtual void reply(control::ConnectionId connection, const control::v1::Response& response) = 0;
  virtual void reply(control::ConnectionId connection, const Error& error) = 0;
};

/// The daemon's sessions: applies what commands ask to the model, and the model to recordings.
///
/// A change is made to a copy of the session first, then to what records, then kept: one that fails changes
/// nothing. What takes time (the disk, the kernel) is done by a thread; requests to that session wait in line
/// meanwhile, those to others do not.
///
/// Threads: one; what others do for it touches nothing but the recording it is done for.
class SessionService {
 public:
  /// `background` does what takes time; it has nothing of ours left when this goes.
  SessionService(RecordingHost& host, Background& background)
      : host_(host), background_(background) {}
  SessionService(const SessionService&) = delete;
  SessionService& operator=(const SessionService&) = delete;

  /// Takes in a session that an earlier daemon had; nullptr: it records nothing. `rotates_at_ms`: by its period.
  void restore(session::Session session, Recording* recording,
               std::optional<std::uint64_t> rotates_at_ms);

  /// Whether a request is about sessions.
  [[nodiscard]] static bool handles(const control::v1::Request& request);
  /// Answers a request, now or later. A session is steered by who made it, root and the daemon's own user; others do not see it.
  void request(control::ConnectionId connection, const control::v1::Request& request);
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool is_empty() const { return sessions_.all().empty(); }

  /// Rotates the sessions whose time has come. Returns when it wants to be called again, in milliseconds from now;
  /// -1: only after the next request.
  [[nodiscard]] int rotate_on_schedule();
  /// The same for what rules are watched for: answers those whose time is over.
  [[nodiscard]] int end_watches();

 private:
  struct Asked {
    control::ConnectionId connection;
    uid_t user;
    control::v1::Request request;
  };
  /// A session's recording, once it was started.
  struct Running {
    Recording* recording = nullptr;
    bool is_busy = false;
    std::deque<Asked> waiting;
    std::optional<std::uint64_t> rotates_at_ms{};  ///< by its period
    std::uint64_t chunk_begins_at = 0;             ///< bytes recorded before its open chunk
  };
  /// Rules that are watched.
  struct Watching {
    control::ConnectionId connection;
    std::shared_ptr<RuleWatch> rules;
    std::shared_ptr<control::v1::Response> response;
    std::chrono::milliseconds duration{};
    std::optional<std::uint64_t> recording{};  ///< of programs' events
    std::chrono::steady_clock::time_point began{};
  };
  using Transition = std::function<Status(session::Session&)>;
  /// Makes the answer to a change that was made.
  using Answer = std::function<void(control::v1::Response*)>;

  void note(const session::Session& session);
  /// Handles a request once its session is not busy.
  void take(const Asked& asked);
  void handle(const Asked& asked);
  [[nodiscard]] Status create(uid_t user, const control::v1::CreateSessionRequest& request,
                              control::v1::CreateSessionResponse* response);
  [[nodiscard]] Status list(uid_t user, const control::v1::ListSessionsRequest& request,
                            control::v1::ListSessionsResponse* response);
  [[nodiscard]] Status why_empty(const std::string& name, control::v1::WhyEmptyResponse* response);
  void describe(const session::Session& session, control::v1::Session* message,
                bool with_memory = false);

  void start(control::ConnectionId connection, const std::string& name);
  void stop(control::ConnectionId connection, const control::v1::StopSessionRequest& request);
  void destroy(control::ConnectionId connection, const control::v1::DestroySessionRequest& request);
  void enable_channel(control::ConnectionId connection,
                      const control::v1::EnableChannelRequest& request);
  void enable_event(control::ConnectionId connection,
                    const control::v1::EnableEventRequest& request);
  void disable_event(control::ConnectionId connection,
                     const control::v1::DisableEventRequest& request);
  void track(control::ConnectionId connection, const control::v1::TrackRequest& request);
  void load(const Asked& asked);

  // session_watch.cpp.
  /// Answers after a while, with what rules met meanwhile.
  void watch(control::ConnectionId connection, const control::v1::WhyEmptyRequest& request);
  void begin_watch(Watching watching);
  void end_watch(const Watching& watching);

  // Snapshots and chunks: session_chunks.cpp.
  /// Answers such a request; false if it is another one.
  [[nodiscard]] bool handle_chunks(control::ConnectionId connection,
                                   const control::v1::Request& request);
  [[nodiscard]] std::function<void(Status)> answer_later(
      control::ConnectionId connection, std::shared_ptr<control::v1::Response> response);
  void record_snapshot(control::ConnectionId connection,
                       const control::v1::RecordSnapshotRequest& request);
  void rotate(control::ConnectionId connection, const control::v1::RotateSessionRequest& request);
  /// Begins a rotation; `then` gets the archive's path.
  [[nodiscard]] Status begin_rotation(const std::string& name,
                                      std::function<void(Result<std::string>)> then);
  [[nodiscard]] Status schedule_rotation(const control::v1::ScheduleRotationRequest& request);
  void clear(control::ConnectionId connection, const std::string& name);
  void regenerate(control::ConnectionId connection, const control::v1::RegenerateRequest& request);
  void reclaim_memory(control::ConnectionId connection,
                      const control::v1::ReclaimMemoryRequest& request);
  /// Archives, or removes, what a finished recording of a rotated session left; returns the archive's path.
  [[nodiscard]] static Result<std::string> end_chunk(const session::Session& session,
                                                     Recording& recording);

  /// Makes a change to a session and to what it records, and answers.
  void change(control::ConnectionId connection, const std::string& name,
              const Transition& transition, const Answer& answer);
  [[nodiscard]] Status check_kernel(const session::RecordingSession& plan);
  void run(const std::string& name, std::function<Status()> work,
           std::function<void(Status)> finish);
  /// Takes up what waited for a session's work.
  void go_on(const std::string& name);

  RecordingHost& host_;
  Background& background_;
  session::SessionList sessions_;
  std::map<std::string, Running> running_;
  std::vector<Watching> watching_;
};

}  // namespace sillage::daemon
