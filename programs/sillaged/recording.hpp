// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_registry.hpp"
#include "apps/app_server.hpp"
#include "base/result.hpp"
#include "collect/collector.hpp"
#include "collect/output_directory.hpp"
#include "hold/store.hpp"
#include "session/recording_session.hpp"
#include "sillaged/coverage.hpp"
#include "sillaged/kernel_recording.hpp"
#include "sillaged/recording_journal.hpp"
#include "sillaged/recording_store.hpp"
#include "sillaged/user_filters.hpp"

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sillage::daemon {

/// Where recordings leave what is to outlive the daemon.
struct Estate {
  const RecordingStore* store = nullptr;
  hold::DescriptorStore* descriptors = nullptr;
};

/// Whose buffers programs write.
struct BufferOwner {
  bool is_process = false;   // else a user
  std::uint32_t number = 0;  // uid, or pid
  std::uint32_t word_bits = 0;
  auto operator<=>(const BufferOwner&) const = default;
};
/// What a channel's buffers take of the machine's memory.
using ChannelMemory = std::map<BufferOwner, std::vector<collect::StreamMemory>>;

/// One running recording: a session, the collector that writes its trace, and what each image feeds into it.
///
/// Per user (and word size) or per process, as the channels say, there is one CTF trace; its channels and events are
/// made when the first image needs them.
///
/// Threads: one, but for what takes long.
class Recording {
 public:
  /// Takes `output` for the output directory, or makes it, if that is none; of one in memory, `store`, which must outlive this,
  /// says where its metadata is. Nothing is recorded before start().
  [[nodiscard]] static Result<std::unique_ptr<Recording>> create(std::uint64_t id,
                                                                 session::RecordingSession session,
                                                                 const collect::ClockKeeper& clock,
                                                                 const RecordingStore& store,
                                                                 Fd output = {});

  /// Goes on with what an earlier daemon, which was killed, has left of a recording: it is active.
  ///
  /// `session`: as its request or its session has it; `inherited`: descriptors that were kept, of which it takes its own.
  ///
  /// Errors: those of KernelRecording::adopt, of what was kept and of the trace's files: then it cannot be gone on with.
  [[nodiscard]] static Result<std::unique_ptr<Recording>> adopt(v1::RecordingState state,
                                                                session::RecordingSession session,
                                                                const collect::ClockKeeper& clock,
                                                                const Estate& estate,
                                                                hold::Descriptors* inherited);

  /// Has it leave what adopt() needs, from its start on; what `estate` names must outlive this. `state` has the recording's
  /// request and owner, or its session.
  void outlive_daemon(const Estate& estate, v1::RecordingState state);
  /// The programs that an adopted recording has been fed by.
  [[nodiscard]] const std::vector<v1::ProcessSeen>& known_processes() const { return processes_; }
  /// Ends, of an adopted recording, what belongs to those of them that are not there any more.
  void end_processes(const std::set<std::uint32_t>& living);

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const session::RecordingSession& session() const { return session_; }
  [[nodiscard]] bool is_active() const { return is_active_; }
  /// Another number for each plan that session() has had.
  [[nodiscard]] std::uint64_t plan_version() const { return plan_version_; }
  [[nodiscard]] std::size_t program_count() const { return coverage_.program_count(); }

  /// Loads the programs of the session's kernel channels. Once, before start().
  ///
  /// Threads: any, while nothing else is called.
  /// Cost:   some 3 ms an event.
  /// Errors: those of KernelRecording::create; the recording is of no use then.
  [[nodiscard]] Status add_kernel(const kernel::Tracer& tracer, LoadProgress& progress);

  /// Whether programs of the kernel's half were loaded by an earlier daemon; once they have been stopped they are to be loaded
  /// again, by add_kernel().
  [[nodiscard]] bool has_adopted_kernel() const { return !adopted_kernel_.empty(); }

  /// Leaves nothing to a later daemon any more.
  void end_with_daemon();
  /// What the session's own state will be behind the change that is being made: with it a later daemon goes on once
  /// change_kernel() has come to where the change is made. Until leave_again().
  void announce(control::v1::Session next_session);
  /// Behind everything that was changed, and that the session's own state says now.
  void leave_again();

  /// Takes over channels, rules, contexts and inclusion sets of programs; channels are never fewer than before,
  /// and stay in their order. Who is attached is to be attached anew.
  ///
  /// Shape: a channel that gets a context goes on in a new data stream class, with a ring and files of its own.
  /// Errors: those of filters; nothing has changed then.
  [[nodiscard]] Status change(session::RecordingSession next);
  /// Errors: those of change().
  [[nodiscard]] static Status check_change(const session::RecordingSession& next);

  /// The same of the kernel's channels, running or not. Whenever the daemon is killed, the next one goes on with what was or with
  /// what will be (decision 0005).
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
  /// Has programs record their state once more, each at its next event, once they are attached anew; false if no channel
  /// records it.
  [[nodiscard]] bool ask_for_state();
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
  /// What became of a channel's events, in all its versions; of all processes, where they have rings of their own.
  [[nodiscard]] collect::ChannelStats channel_stats(bool is_kernel, const std::string& name) const;
  /// What the buffers of a channel of programs take of the machine's memory, in all its versions.
  [[nodiscard]] ChannelMemory memory(const std::string& channel) const;
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
  /// Threads: any, while it is neither started nor stopped; so the next five.
  /// Errors:  those of Collector::snapshot.
  [[nodiscard]] Result<collect::Stats> snapshot(
      const std::vector<collect::SnapshotOptions>& outputs);
  /// Moves what was recorded until now to `archive`, below the output directory. `then`: how the session's chunks stand
  /// behind it.
  [[nodiscard]] Status rotate(const std::string& archive, const v1::Chunks& then);
  /// Forgets what was recorded until now.
  [[nodiscard]] Status clear(const v1::Chunks& then);
  /// Gives memory of a channel's sub-buffers back, in all its versions: Collector::reclaim_memory().
  [[nodiscard]] Result<ring::Reclaimed> reclaim_memory(const std::string& channel,
                                                       Nanoseconds older_than);
  /// Of an adopted recording, the last chunk that an earlier daemon ended; nothing if it ended none.
  [[nodiscard]] const std::optional<v1::ChunkReady>& last_chunk() const { return last_chunk_; }
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
  [[nodiscard]] std::string warning() const {
    return warning_.empty() ? collector_->stats().input_error : warning_;
  }

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
    std::uint32_t number = 0;  // in the journal
    BufferOwner owner;
    std::map<std::size_t, OpenChannel> channels{};  // by index in the session
  };
  struct NotedChannel {
    collect::ChannelId id;
    BufferOwner owner{};  // of one of programs
  };
  /// A kernel channel that goes on in another ring.
  struct Replaced {
    std::unique_ptr<KernelRecording> channel;
    std::size_t index = 0;
    std::uint32_t version = 0, pins = 0;
  };
  struct JournaledTrace;
  struct ImageChannel {
    const OpenChannel* channel = nullptr;
    std::size_t index = 0;
    std::vector<std::uint32_t> ids;  // per site: 0, or event record id + 1
    std::vector<bool> is_filtered;   // per site; empty: none is
    std::shared_ptr<const std::vector<std::byte>> filters;
  };

  Recording(std::uint64_t id, session::RecordingSession session,
            std::unique_ptr<collect::Collector> collector, std::string files_path,
            std::string creation_datetime, std::int64_t clock_offset_ns);
  [[nodiscard]] static Result<std::vector<UserFilters>> parse_filters(
      const session::RecordingSession& session);
  [[nodiscard]] static Result<std::unique_ptr<collect::Collector>> make_collector(
      const session::RecordingSession& session, const std::string& files_path,
      const collect::ClockKeeper& clock, Fd output, bool resumes);
  [[nodiscard]] collect::TraceOptions kernel_trace_options() const;
  /// What concerns the files, before anything in them is opened.
  [[nodiscard]] Status adopt_files(const std::vector<v1::JournalEntry>& entries);
  [[nodiscard]] Status adopt_kernel();
  [[nodiscard]] Result<std::unique_ptr<KernelRecording>> adopt_channel(std::size_t index,
                                                                       const v1::KernelFiles& files,
                                                                       bool has_turn);
  [[nodiscard]] Status adopt_programs(const std::vector<v1::JournalEntry>& entries,
                                      hold::Descriptors* inherited);
  void remove_unopened(const std::string& directory) const;
  [[nodiscard]] Status adopt_trace(const JournaledTrace& trace, std::uint32_t number,
                                   hold::Descriptors* inherited);
  [[nodiscard]] Status leave_behind();
  [[nodiscard]] Status fill_files(const KernelRecording& channel, std::uint32_t version,
                                  std::uint32_t pins, v1::KernelFiles* files);
  /// Reads the rings of replaced_ to the end, and forgets them.
  void end_replaced();
  [[nodiscard]] Status save_state();
  [[nodiscard]] Status end_current_chunk(
      const std::string& archive, const v1::Chunks& then,
      const std::function<Status(const collect::Collector::ChunkHook&)>& end);
  [[nodiscard]] Status note_chunk_ended(bool is_done);
  void note_stopped();
  /// Each tells the journal of something new, if there is one; if it cannot, the recording ends with its daemon.
  void note_process(const apps::Process& process);
  void note_opening(const std::string& directory);
  void note_trace(const TraceKey& key, Trace* trace, const collect::TraceOptions& options,
                  const std::optional<apps::AppClock>& clock);
  void note_opened(const Trace& trace, std::size_t index, const OpenChannel& channel,
                   const collect::ChannelOptions& options);
  void note_event(const Trace& trace, const OpenChannel& channel, const apps::Site& site);
  void keep(const Status& noted);
  [[nodiscard]] std::uint64_t body_bytes(const Trace& trace);
  [[nodiscard]] std::function<void(const collect::Stats&)> when_ended(std::uint64_t ring_id) const;
  void remove_buffers() const;
  void report_nested();
  [[nodiscard]] bool is_about(const apps::Process& process);
  [[nodiscard]] bool is_included(const apps::Process& process) const;
  [[nodiscard]] ImageChannel feed_channel(const apps::Image& image, std::size_t index);
  [[nodiscard]] Result<OpenChannel*> open_channel(const apps::Image& image, std::size_t index);
  [[nodiscard]] Result<Trace*> open_trace(const apps::Image& image,
                                          session::BufferOwnership ownership);
  [[nodiscard]] collect::TraceOptions trace_options(const apps::Image& image,
                                                    session::BufferOwnership ownership) const;
  [[nodiscard]] Result<std::uint32_t> event_id(const Trace& trace, OpenChannel* channel,
                                               const apps::Site& site);
  [[nodiscard]] Trace& trace_of(const apps::Image& image, std::size_t index);
  [[nodiscard]] Result<std::unique_ptr<KernelRecording>> open_kernel(
      const session::KernelChannel& wanted, std::uint32_t version, const kernel::Tracer& tracer,
      LoadProgress& progress, const KernelRecording* predecessor);
  /// Of one of programs.
  [[nodiscard]] std::vector<NotedChannel> versions_of(const std::string& channel) const;
  void note_channel(bool is_kernel, const std::string& name, const NotedChannel& channel);
  void warn(const Error& error);

  const std::uint64_t id_;
  session::RecordingSession session_;
  std::uint64_t plan_version_ = 0;
  std::unique_ptr<collect::Collector> collector_;
  const std::string
      files_path_;  // where traces are: the output directory, or that of one in memory
  collect::DirectoryId output_id_;  // of this one
  const std::string creation_datetime_;
  std::atomic<std::int64_t> clock_offset_ns_;  // of traces that are yet to be opened
  std::vector<std::int64_t> clock_offsets_;    // of an adopted one, those that its traces may have
  std::optional<v1::ChunkReady> last_chunk_;
  bool is_active_ = false;
  // The number of the state dump that programs are told. Never 0: those that come to an adopted recording dump, too.
  std::uint32_t state_dump_ = 1;
  std::uint64_t start_ns_ = 0, stop_ns_ = 0;
  std::uint32_t next_ring_ = 1;
  std::map<TraceKey, Trace> traces_;
  std::map<std::uint64_t, std::vector<ImageChannel>> attached_;  // by image token
  std::map<std::uint32_t, bool> is_about_;                       // by registration
  mutable std::mutex noted_mutex_;                               // guards what follows
  std::map<std::pair<bool, std::string>, std::vector<NotedChannel>> noted_channels_;
  Coverage coverage_;
  std::mutex kernel_mutex_;  // guards what follows, where texts and state dumps meet a change
  std::optional<collect::TraceId> kernel_trace_;
  std::vector<UserFilters> filters_;                      // by index in the session
  std::vector<std::unique_ptr<KernelRecording>> kernel_;  // they use the collector
  std::vector<session::KernelChannel> kernel_plans_;      // what each of them does
  std::vector<std::uint32_t> kernel_versions_;            // as OpenChannel::version
  std::vector<std::uint32_t> kernel_pins_;                // RecordingStore::pin_path()
  std::vector<Replaced> replaced_;
  std::set<std::size_t> adopted_kernel_;  // of which only what runs is known
  bool is_kernel_running_ = false;
  Estate estate_;  // if it is to outlive the daemon; then:
  v1::RecordingState state_;
  bool is_left_ = false;  // a later daemon finds it
  std::shared_ptr<RecordingJournal> journal_;
  std::set<std::uint32_t> seen_;  // registrations in the journal, of processes that are there
  std::uint32_t next_trace_number_ = 0;
  std::vector<v1::ProcessSeen> processes_;
  std::string warning_;
};

}  // namespace sillage::daemon
