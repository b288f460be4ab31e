// SPDX-License-Identifier: MIT
#pragma once

#include "apps/agent_server.hpp"
#include "apps/app_server.hpp"
#include "apps/socket_path.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/clock_keeper.hpp"
#include "control/server.hpp"
#include "hold/store.hpp"
#include "sillaged/background.hpp"
#include "sillaged/load_progress.hpp"
#include "sillaged/recording.hpp"
#include "sillaged/session_service.hpp"
#include "sillaged/text_input.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sillage::daemon {

/// What `sillaged` is told when it starts.
struct DaemonOptions {
  apps::RuntimePaths paths;
  bool auto_exit = false;  ///< end when no command and no recording has been there for `idle_ms`
  std::uint32_t idle_ms = 10'000;
  std::vector<control::v1::Request>
      first_requests{};  ///< about sessions; done before any command's
  apps::Limits limits{};
  std::vector<std::string> agent_port_files{};  ///< of the agent server; empty: there is none
};

/// The daemon: programs on one side, commands on the other, recordings between; one event loop.
///
/// Threads: run() uses one; collectors, the clock, and what takes long (loading, attaching and detaching the kernel's
///          programs, completing files) have their own. Two daemons can live in one process, with
///          different paths.
class Daemon final : public apps::AppEvents, public control::ControlEvents, public RecordingHost {
 public:
  /// Takes the lock, opens the sockets and finds the programs that run already.
  ///
  /// Errors: kAlreadyExists  another daemon serves these paths; those of the sockets.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> create(const DaemonOptions& options);
  /// Stops all recordings; what was recorded until then is on disk afterwards.
  ~Daemon() override;
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  /// Serves until `stop_fd` becomes readable (a signalfd, an eventfd), or until idle if so asked.
  [[nodiscard]] Status run(int stop_fd);

 private:
  /// The command of a recording whose daemon was killed.
  struct Heir {
    uid_t uid = 0;
    Fd pidfd;  // none: it has gone
  };
  struct Owned {
    std::unique_ptr<Recording> recording;
    control::ConnectionId owner = 0;   // 0: a session's
    std::uint64_t refused_before = 0;  // programs refused when it began
    bool is_starting = false;          // its programs are being attached
    bool is_abandoned = false;         // meanwhile its owner has gone
    std::optional<Heir> heir{};        // adopted, and nobody's until this command asks for it
  };
  /// A recording whose programs are being loaded into the kernel.
  struct Loading {
    Owned owned;
    bool wants_progress = false;
    std::uint64_t told = 0;  // how many programs the command knows of
    std::stop_source stop;   // its command has gone
    LoadProgress progress{stop.get_token()};
    Status status;
  };
  /// A recording whose files are being completed.
  struct Finishing {
    Owned owned;
    std::optional<control::ConnectionId> connection;  // that waits for the summary
    collect::Stats stats;
  };

  explicit Daemon(const DaemonOptions& options);
  [[nodiscard]] Status start();

  void image_added(apps::Image& image) override;
  void image_removed(const apps::Image& image) override;
  void process_removed(const apps::Process& process) override;
  [[nodiscard]] std::vector<apps::Attachment> attachments(const apps::Image& image) override;
  void filters_unknown(const apps::Image& image) override;

  void request(control::ConnectionId connection, const control::v1::Request& request) override;
  void closed(control::ConnectionId connection) override;

  [[nodiscard]] Result<Recording*> add_recording(session::RecordingSession plan,
                                                 Fd output) override;
  [[nodiscard]] std::unique_ptr<Recording> remove_recording(std::uint64_t id) override;
  void renew(Recording& recording) override;
  [[nodiscard]] uid_t user_of(control::ConnectionId connection) const override;
  /// Whether we are root's daemon, and somebody else asks, or it is not known any more who did.
  [[nodiscard]] bool is_for_member(control::ConnectionId connection) const;
  [[nodiscard]] Result<Fd> make_output(control::ConnectionId connection,
                                       const std::string& path) override;
  void note_session(const session::Session& session,
                    std::optional<std::uint64_t> rotates_at_ms) override;
  void forget_session(const std::string& name) override { store_.remove_session(name); }
  /// From any thread.
  [[nodiscard]] Result<const kernel::Tracer*> tracer() override;
  [[nodiscard]] std::mutex& loading_mutex() override { return loading_mutex_; }
  void reply(control::ConnectionId connection, const control::v1::Response& response) override;
  void reply(control::ConnectionId connection, const Error& error) override;

  void answer_version(control::v1::VersionResponse* response) const;
  void answer_list(const control::v1::ListRequest& request, control::v1::ListResponse* response);
  /// Fills the response or, where programs are to be loaded into the kernel, answers later; so does
  /// start_recording() with what is to be attached.
  [[nodiscard]] Status create_recording(control::ConnectionId connection,
                                        const control::v1::CreateRecordingRequest& request,
                                        control::v1::Response* response);
  void keep_recording(Owned owned, control::v1::CreateRecordingResponse* response);
  [[nodiscard]] Status load(Loading* loading);
  void loaded(Loading* loading);
  void tell_progress();
  [[nodiscard]] Status start_recording(control::ConnectionId connection,
                                       const control::v1::StartRecordingRequest& request,
                                       control::v1::Response* response);
  /// What this daemon leaves to the next one, if it is killed.
  [[nodiscard]] v1::RecordingState state_of(
      control::ConnectionId connection, const control::v1::CreateRecordingRequest& request) const;
  /// Takes over the recordings and sessions of a daemon that was killed.
  void adopt_recordings(hold::Descriptors* inherited);
  /// nullptr if it cannot be gone on with.
  Owned* adopt_recording(v1::RecordingState state, session::RecordingSession plan,
                         hold::Descriptors* inherited);
  void adopt_session(v1::SessionState state, std::vector<v1::RecordingState>* recordings,
                     hold::Descriptors* inherited);
  /// Tells adopted recordings which of their programs are there still.
  void end_gone_processes();
  [[nodiscard]] Estate estate();
  /// Lets the clock page go with the last recording.
  void release_clock();
  [[nodiscard]] Status resume_recording(control::ConnectionId connection, std::uint64_t id);
  /// Ends those whose commands have gone.
  void end_orphans();
  void started(std::uint64_t id, const Status& status);
  void activate(Recording* recording, control::v1::StartRecordingResponse* response);
  [[nodiscard]] Status dump_state(control::v1::DumpStateResponse* response);
  [[nodiscard]] Result<Owned*> find_recording(control::ConnectionId connection, std::uint64_t id);
  [[nodiscard]] Owned take_recording(std::uint64_t id);
  void stop_recording(std::uint64_t id, std::optional<control::ConnectionId> connection);
  void send_summary(const Finishing& finishing);
  /// Records what was written to the text input.
  void take_text();
  /// Sets all gates of an image to what the recordings want of it, under a new generation.
  void renew_gates(apps::Image& image);
  [[nodiscard]] bool is_idle() const;
  /// Whether a recording that runs has a rule for programs' events of this name.
  [[nodiscard]] bool wants_event(std::string_view name) const;
  /// The contexts that programs bring which such recordings record, or ask for in filters, with these events.
  [[nodiscard]] std::vector<std::string> contexts_wanted_with(std::string_view name) const;
  /// Another number if what the two look at is not what it was. Filters are parsed for the second: not at each turn.
  [[nodiscard]] std::uint64_t wanted_version();

  const DaemonOptions options_;
  const RecordingStore store_;
  Fd lock_;
  std::unique_ptr<hold::DescriptorStore> descriptors_;
  bool is_clock_kept_ = false;
  std::unique_ptr<collect::ClockKeeper> clock_;
  std::map<std::uint64_t, Owned> recordings_;
  std::map<control::ConnectionId, std::shared_ptr<Loading>> loading_;
  std::vector<std::shared_ptr<Finishing>> finishing_;
  std::mutex loading_mutex_;              // held by the one thread that loads programs
  std::mutex tracer_mutex_;               // guards what follows, which stays once it is there
  std::optional<kernel::Tracer> tracer_;  // once a recording wants the kernel's events
  std::unique_ptr<Background> background_;
  std::optional<TextInput> text_;  // of root's daemon
  std::unique_ptr<apps::AppServer> apps_;
  /// A reply that waits until logging agents, and programs that do so in a thread, have done what came of the request, or
  /// its time is over.
  struct HeldReply {
    control::ConnectionId connection;
    control::v1::Response response;
    std::optional<std::uint32_t> loggers_of;  ///< the domain whose loggers are to be put in
    std::uint64_t until_ms;
  };
  void hold(control::ConnectionId connection, const control::v1::Response& response,
            std::optional<std::uint32_t> loggers_of);
  [[nodiscard]] bool is_program_waited_for() const;
  void release_held();
  std::vector<HeldReply> held_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>>
      active_plans_;  // recordings that run, and which of their plans
  std::uint64_t wanted_version_ = 0;
  std::unique_ptr<apps::AgentServer> agents_;  // none: not asked for, or no port to be had
  std::unique_ptr<control::ControlServer> control_;
  std::unique_ptr<SessionService> sessions_;
  // Begins anywhere, so that no command takes another's recording for one that its daemon left behind.
  std::uint64_t next_recording_;
  std::uint32_t generation_;  // last given; 0 is "disabled" and is skipped
};

}  // namespace sillage::daemon
