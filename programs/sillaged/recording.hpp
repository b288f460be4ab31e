// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_registry.hpp"
#include "apps/app_server.hpp"
#include "base/result.hpp"
#include "collect/collector.hpp"
#include "session/recording_session.hpp"
#include "sillaged/coverage.hpp"
#include "sillaged/kernel_recording.hpp"
#include "sillaged/recording_store.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace sillage::daemon {

/// One running recording: a session, the collector that writes its trace, and what each image feeds into it.
///
/// Per user (and word size) or per process, as the channels say, there is one CTF trace; its channels and events are
/// made when the first image needs them.
///
/// Threads: one, but for what takes long.
class Recording {
 public:
  /// Makes the output directory. Nothing is recorded before start().
  [[nodiscard]] static Result<std::unique_ptr<Recording>> create(std::uint64_t id,
                                                                 session::RecordingSession session,
                                                                 const collect::ClockKeeper& clock);

  /// Goes on with what an earlier daemon, which was killed, has left of a recording: it is active.
  ///
  /// Errors: those of KernelRecording::adopt and of the trace's files: then it cannot be gone on with.
  [[nodiscard]] static Result<std::unique_ptr<Recording>> adopt(v1::RecordingState state,
                                                                const collect::ClockKeeper& clock,
                                                                const RecordingStore& store);

  /// Has start_kernel() leave in `store`, which must outlive this, what adopt() needs; `state` has the recording's request and
  /// owner.
  void outlive_daemon(const RecordingStore& store, v1::RecordingState state);

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const session::RecordingSession& session() const { return session_; }
  [[nodiscard]] bool is_active() const { return is_active_; }
  [[nodiscard]] std::size_t program_count() const { return coverage_.program_count(); }

  /// Loads the programs of the session's kernel channels. Once, before start().
  ///
  /// Threads: any, while nothing else is called.
  /// Cost:   some 3 ms an event.
  /// Errors: those of KernelRecording::create; the recording is of no use then.
  [[nodiscard]] Status add_kernel(const kernel::Tracer& tracer, LoadProgress& progress);

  /// Leaves nothing to a later daemon any more.
  void end_with_daemon();

  /// Takes back what a recording that never started made in the output directory.
  void discard();

  /// Records the kernel's events from now on. Once, before start() with the same `root_pid`.
  ///
  /// Threads: any, while none of start(), stats() and finish() is called.
  /// Cost:    some 0.3 ms an event, and the state dump.
  /// Errors:  the kernel refuses to attach a program.
  [[nodiscard]] Status start_kernel(pid_t root_pid);
  /// From now on images may be attached. `root_pid` 0: none.
  void start(pid_t root_pid);

  /// Decides what an image feeds into this recording. Its gates are the caller's.
  void attach(const apps::Image& image);
  void detach(const apps::Image& image);
  /// A process has ended: its own trace, if it has one, is complete.
  void process_removed(const apps::Process& process);

  /// Appends the channels that an image feeds.
  void add_attachments(const apps::Image& image, std::vector<apps::Attachment>* attachments) const;
  /// Whether a site is recorded on any channel.
  [[nodiscard]] bool wants(const apps::Image& image, std::uint32_t site) const;

  [[nodiscard]] collect::Stats stats();
  /// Ends the recording for programs: no image feeds it any more. Their gates are the caller's.
  void stop();
  /// Detaches the kernel's programs, reads what is left and completes the files; may take as long as the disk does.
  ///
  /// Threads: any, after stop(), once.
  collect::Stats finish();

  [[nodiscard]] std::uint64_t duration_ns() const;
  [[nodiscard]] const Coverage& coverage() const { return coverage_; }
  [[nodiscard]] const std::vector<std::unique_ptr<KernelRecording>>& kernel() const {
    return kernel_;
  }
  /// What went wrong and made events missing; empty if nothing did.
  [[nodiscard]] const std::string& warning() const { return warning_; }

 private:
  /// Whose trace: a user's (uid, word size) or a process's (registration).
  struct TraceKey {
    session::BufferOwnership ownership = session::BufferOwnership::kUser;
    std::uint32_t owner = 0;
    std::uint32_t word_bits = 0;
    auto operator<=>(const TraceKey&) const = default;
  };
  struct OpenChannel {
    collect::OpenChannel channel;
    std::uint64_t ring_id = 0;
    std::unordered_map<std::string, std::uint32_t> event_ids;  // by Site::identity
  };
  struct Trace {
    collect::TraceId id;
    std::map<std::size_t, OpenChannel> channels;  // by index in the session
  };
  struct ImageChannel {
    const OpenChannel* channel = nullptr;
    std::size_t index = 0;
    std::vector<std::uint32_t> ids;  // per site: 0, or event record id + 1
  };

  Recording(std::uint64_t id, session::RecordingSession session,
            std::unique_ptr<collect::Collector> collector, std::string creation_datetime,
            std::int64_t clock_offset_ns);
  [[nodiscard]] static Result<std::unique_ptr<collect::Collector>> make_collector(
      const session::RecordingSession& session, const collect::ClockKeeper& clock);
  [[nodiscard]] collect::TraceOptions kernel_trace_options() const;
  [[nodiscard]] Status adopt_kernel();
  [[nodiscard]] Status leave_behind();
  void note_stopped();
  [[nodiscard]] bool is_about(const apps::Process& process);
  [[nodiscard]] Result<OpenChannel*> open_channel(const apps::Image& image, std::size_t index);
  [[nodiscard]] Result<Trace*> open_trace(const apps::Image& image,
                                          session::BufferOwnership ownership);
  [[nodiscard]] collect::TraceOptions trace_options(const apps::Image& image,
                                                    session::BufferOwnership ownership) const;
  [[nodiscard]] Result<std::uint32_t> event_id(OpenChannel* channel, const apps::Site& site);
  void warn(const Error& error);

  const std::uint64_t id_;
  session::RecordingSession session_;
  std::unique_ptr<collect::Collector> collector_;
  const std::string creation_datetime_;
  const std::int64_t clock_offset_ns_;
  bool is_active_ = false, is_adopted_ = false;
  std::uint64_t start_ns_ = 0, stop_ns_ = 0;
  std::uint32_t next_ring_ = 1;
  std::map<TraceKey, Trace> traces_;
  std::map<std::uint64_t, std::vector<ImageChannel>> attached_;  // by image token
  std::map<std::uint32_t, bool> is_about_;                       // by registration
  Coverage coverage_;
  std::optional<collect::TraceId> kernel_trace_;
  std::vector<std::unique_ptr<KernelRecording>> kernel_;  // they use the collector
  const RecordingStore* store_ = nullptr;                 // if it is to outlive the daemon; then:
  v1::RecordingState state_;
  std::string warning_;
};

}  // namespace sillage::daemon
