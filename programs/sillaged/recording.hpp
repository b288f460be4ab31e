// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_registry.hpp"
#include "apps/app_server.hpp"
#include "base/result.hpp"
#include "collect/collector.hpp"
#include "session/recording_session.hpp"
#include "session/snapshot_output.hpp"
#include "sillaged/coverage.hpp"
#include "sillaged/kernel_recording.hpp"
#include "sillaged/recording_store.hpp"
#include "sillaged/user_filters.hpp"

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
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

  /// Takes over channels, rules, contexts and inclusion sets of programs; channels are never fewer than before,
  /// and stay in their order. Who is attached is to be attached anew.
  ///
  /// Shape: a channel that gets a context goes on in a new data stream class, with a ring and files of its own.
  /// Errors: those of filters; nothing has changed then.
  [[nodiscard]] Status change(session::RecordingSession next);

  /// The same of the kernel's channels, running or not.
  ///
  /// Threads: any, one at a time.
  /// Errors:  those of KernelRecording; nothing has changed then.
  [[nodiscard]] Status change_kernel(const session::RecordingSession& next,
                                     const kernel::Tracer& tracer, LoadProgress& progress);
  /// Looks at the filters of rules for the events of an image that runs already, before check_filters().
  void preview_filters(const apps::Image& image);
  /// Errors: kNotFound, kInvalidArgument  a filter that no event can match of those that it is for and that were looked at.
  [[nodiscard]] Status check_filters() const;
  /// The image's library is older than filters: what has one is not recorded.
  void filters_unknown(const apps::Image& image);

  /// Takes back what a recording that never started made in the output directory.
  void discard();

  /// What comes from this process is recorded, too. Before start_kernel().
  void set_root_process(pid_t root_pid);
  /// Starts it, again after complete(): the same trace goes on. The kernel's half takes time, some 0.3 ms an event and the state
  /// dump; from the programs' on, images may be attached.
  ///
  /// Threads: start_kernel() any, one at a time, while none of activate(), stats() and finish() is called.
  /// Errors:  the kernel refuses to attach a program.
  [[nodiscard]] Status start_kernel();
  void activate();
  /// Programs feed it no more once they are attached anew.
  void deactivate();

  /// Records the kernel's state once more; false if it was left out at the start, too.
  [[nodiscard]] Result<bool> dump_state();
  /// Records a text as an event on the kernel channels that want it.
  void log(std::string_view text);

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
  /// What a channel lost, in all its versions; of all processes, where they have rings of their own.
  [[nodiscard]] collect::ChannelStats channel_stats(bool is_kernel, const std::string& name) const;
  /// Detaches the kernel's programs and writes out all that was recorded; the trace is complete until start().
  ///
  /// Threads: any, after deactivate().
  collect::Stats complete();
  /// Ends the recording for programs: no image feeds it any more. Their gates are the caller's.
  void stop();
  /// Detaches the kernel's programs, reads what is left and completes the files; may take as long as the disk does.
  ///
  /// Threads: any, after stop(), once.
  collect::Stats finish();

  /// Writes what the rings hold into each of these directories, with the kernel's state as it is now where that was
  /// recorded at the start, too. Of a recording in memory.
  ///
  /// Threads: any, while it is neither started nor stopped; so the next four.
  /// Errors:  those of Collector::snapshot.
  [[nodiscard]] Result<collect::Stats> snapshot(const std::vector<session::SnapshotPlan>& plans);
  /// Moves what was recorded until now to `archive`, below the output directory.
  [[nodiscard]] Status rotate(const std::string& archive);
  /// Forgets what was recorded until now.
  [[nodiscard]] Status clear();
  /// The same two behind finish(): `archive` "" removes.
  [[nodiscard]] Status end_chunk(const std::string& archive);
  /// Writes the metadata anew with the clock's offset of now.
  [[nodiscard]] Status regenerate_metadata();
  /// Of the files, as of some 0.1 s ago.
  [[nodiscard]] std::uint64_t recorded_bytes() const { return collector_->stats().bytes; }

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
    std::vector<std::uint32_t> contexts;  // of its records
    std::uint32_t version = 1;            // of the channel: 2 after it got contexts, and so on
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
    std::vector<bool> is_filtered;   // per site; empty: none is
    std::shared_ptr<const std::vector<std::byte>> filters;
  };

  Recording(std::uint64_t id, session::RecordingSession session,
            std::unique_ptr<collect::Collector> collector, std::string creation_datetime,
            std::int64_t clock_offset_ns);
  [[nodiscard]] static Result<std::vector<UserFilters>> parse_filters(
      const session::RecordingSession& session);
  [[nodiscard]] static Result<std::unique_ptr<collect::Collector>> make_collector(
      const session::RecordingSession& session, const collect::ClockKeeper& clock);
  [[nodiscard]] collect::TraceOptions kernel_trace_options() const;
  [[nodiscard]] Status adopt_kernel();
  [[nodiscard]] Status leave_behind();
  void note_stopped();
  void report_nested();
  [[nodiscard]] bool is_about(const apps::Process& process);
  [[nodiscard]] bool is_included(const apps::Process& process) const;
  [[nodiscard]] ImageChannel feed_channel(const apps::Image& image, std::size_t index);
  [[nodiscard]] Result<OpenChannel*> open_channel(const apps::Image& image, std::size_t index);
  [[nodiscard]] Result<Trace*> open_trace(const apps::Image& image,
                                          session::BufferOwnership ownership);
  [[nodiscard]] collect::TraceOptions trace_options(const apps::Image& image,
                                                    session::BufferOwnership ownership) const;
  [[nodiscard]] Result<std::uint32_t> event_id(OpenChannel* channel, const apps::Site& site);
  [[nodiscard]] Result<std::unique_ptr<KernelRecording>> open_kernel(
      const session::KernelChannel& wanted, std::uint32_t version, const kernel::Tracer& tracer,
      LoadProgress& progress);
  void note_channel(bool is_kernel, const std::string& name, collect::ChannelId id);
  void warn(const Error& error);

  const std::uint64_t id_;
  session::RecordingSession session_;
  std::unique_ptr<collect::Collector> collector_;
  const std::string creation_datetime_;
  std::atomic<std::int64_t> clock_offset_ns_;  // of traces that are yet to be opened
  bool is_active_ = false, is_adopted_ = false;
  std::uint64_t start_ns_ = 0, stop_ns_ = 0;
  std::uint32_t next_ring_ = 1;
  std::map<TraceKey, Trace> traces_;
  std::map<std::uint64_t, std::vector<ImageChannel>> attached_;  // by image token
  std::map<std::uint32_t, bool> is_about_;                       // by registration
  mutable std::mutex ids_mutex_;                                 // guards what follows
  std::map<std::pair<bool, std::string>, std::vector<collect::ChannelId>> channel_ids_;
  Coverage coverage_;
  std::mutex kernel_mutex_;  // guards what follows, where texts and state dumps meet a change
  std::optional<collect::TraceId> kernel_trace_;
  std::vector<UserFilters> filters_;                      // by index in the session
  std::vector<std::unique_ptr<KernelRecording>> kernel_;  // they use the collector
  std::vector<session::KernelChannel> kernel_plans_;      // what each of them does
  std::vector<std::uint32_t> kernel_versions_;            // as OpenChannel::version
  bool is_kernel_running_ = false;
  const RecordingStore* store_ = nullptr;  // if it is to outlive the daemon; then:
  v1::RecordingState state_;
  std::string warning_;
};

}  // namespace sillage::daemon
