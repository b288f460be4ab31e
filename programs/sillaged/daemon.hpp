// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_server.hpp"
#include "apps/socket_path.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/clock_keeper.hpp"
#include "control/server.hpp"
#include "sillaged/recording.hpp"
#include "sillaged/session_service.hpp"
#include "sillaged/text_input.hpp"

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace sillage::daemon {

/// What `sillaged` is told when it starts.
struct DaemonOptions {
  apps::RuntimePaths paths;
  bool auto_exit = false;  ///< end when no command and no recording has been there for `idle_ms`
  std::uint32_t idle_ms = 10'000;
  apps::Limits limits{};
};

/// The daemon: programs on one side, commands on the other, recordings between; one event loop.
///
/// Threads: run() uses one; collectors and the clock have their own. Two daemons can live in one process, with
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
  /// A recording whose files are being completed.
  struct Finishing {
    std::unique_ptr<Recording> recording;
    std::optional<control::ConnectionId> connection;  // that waits for the summary
    collect::Stats stats;
    std::uint64_t refused_before = 0;
    std::atomic<bool> is_done = false;  // set by the thread, before it rings
    std::thread thread;
  };
  struct Owned {
    std::unique_ptr<Recording> recording;
    control::ConnectionId owner = 0;   // 0: a session's
    std::uint64_t refused_before = 0;  // programs refused when it began
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

  [[nodiscard]] Result<Recording*> add_recording(session::RecordingSession plan) override;
  [[nodiscard]] std::unique_ptr<Recording> remove_recording(std::uint64_t id) override;
  void renew(Recording& recording) override;
  [[nodiscard]] Result<const kernel::Tracer*> tracer() override;
  void reply(control::ConnectionId connection, const control::v1::Response& response) override;
  void reply(control::ConnectionId connection, const Error& error) override;

  void answer_version(control::v1::VersionResponse* response) const;
  void answer_list(const control::v1::ListRequest& request, control::v1::ListResponse* response);
  [[nodiscard]] Status create_recording(control::ConnectionId connection,
                                        const control::v1::CreateRecordingRequest& request,
                                        control::v1::CreateRecordingResponse* response);
  [[nodiscard]] Status start_recording(control::ConnectionId connection,
                                       const control::v1::StartRecordingRequest& request,
                                       control::v1::StartRecordingResponse* response);
  [[nodiscard]] Status dump_state(control::v1::DumpStateResponse* response);
  [[nodiscard]] Status open_tracer();
  /// Loads the programs of a recording's kernel channels.
  [[nodiscard]] Status prepare_kernel(Recording* recording,
                                      control::v1::CreateRecordingResponse* response);
  [[nodiscard]] Result<Owned*> find_recording(control::ConnectionId connection, std::uint64_t id);
  [[nodiscard]] Owned take_recording(std::uint64_t id);
  void stop_recording(std::uint64_t id, std::optional<control::ConnectionId> connection);
  void send_summaries();
  /// Records what was written to the text input.
  void take_text();
  /// Sets all gates of an image to what the recordings want of it, under a new generation.
  void renew_gates(apps::Image& image);
  [[nodiscard]] bool is_idle() const;

  const DaemonOptions options_;
  Fd lock_;
  std::unique_ptr<collect::ClockKeeper> clock_;
  std::map<std::uint64_t, Owned> recordings_;
  std::vector<std::unique_ptr<Finishing>> finishing_;
  Fd finished_;                           // eventfd: a recording's files are complete
  std::optional<kernel::Tracer> tracer_;  // once a recording wants the kernel's events
  std::optional<TextInput> text_;         // of root's daemon
  std::unique_ptr<apps::AppServer> apps_;
  std::unique_ptr<control::ControlServer> control_;
  std::unique_ptr<SessionService> sessions_;  // its threads use recordings
  std::uint64_t next_recording_ = 1;
  std::uint32_t generation_;  // last given; 0 is "disabled" and is skipped
};

}  // namespace sillage::daemon
