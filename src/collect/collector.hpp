// SPDX-License-Identifier: MIT
#pragma once

#include "abi/app_protocol.h"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "collect/clock_keeper.hpp"
#include "collect/file_options.hpp"
#include "collect/stats.hpp"
#include "collect/trace_identity.hpp"
#include "ctf/model.hpp"
#include "ring/geometry.hpp"
#include "ring/kernel_ring.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sillage::collect {

/// Names of a collector's parts; never reused in its life.
struct TraceId {
  std::uint32_t value = 0;
  auto operator<=>(const TraceId&) const = default;
};
struct ChannelId {
  std::uint32_t value = 0;
  auto operator<=>(const ChannelId&) const = default;
};

/// Where a recording goes and in which format.
struct CollectorOptions {
  std::string output_path;  ///< directory; made, with its parents, if missing
  Fd output{};              ///< this directory, opened; none: create() opens it
  ctf::Version ctf_version = ctf::Version::kCtf18;
  /// Nothing is written but snapshots: the output directory has the traces' metadata alone, which are the owner's to remove.
  /// Rings should be in overwrite mode.
  bool in_memory = false;
  /// Directory of the programs' rings, as files that outlive everybody; made, with its parents. "": they are memory without
  /// a name.
  std::string buffers_path{};
  bool resumes =
      false;  ///< what an earlier collector left there is to be gone on with; else nothing may be there
};

/// Asks for a snapshot.
struct SnapshotOptions {
  std::string path;             ///< directory; made, with its parents
  std::uint64_t max_bytes = 0;  ///< of all streams; 0: no limit
  Fd output{};                  ///< this directory, opened; none: snapshot() opens it
};

/// One CTF trace of a recording: a directory with its own metadata.
struct TraceOptions {
  std::string directory;  ///< below the output directory, such as "ust/uid/0/64-bit"; no ".." in it
  std::vector<ctf::EnvironmentEntry> environment;
  std::int64_t clock_offset_ns = 0;  ///< realtime minus CLOCK_MONOTONIC
  /// What times are of, if not of CLOCK_MONOTONIC.
  std::optional<ctf::ClockClass> clock{};
  std::uint64_t clock_value = 0;  ///< what it said before anything was recorded
  /// Others that it has been since the trace was opened, for resume_trace().
  std::vector<std::int64_t> other_clock_offsets{};
};

/// One channel of a trace: a ring and one file per stream of it that is ever used.
struct ChannelOptions {
  std::string name;  ///< of the files: NAME_0, NAME_1 ...
  ring::RingOptions ring;
  std::vector<sillage_context> contexts;    ///< in the order in which they stand in the records
  std::vector<std::string> app_contexts{};  ///< names, by number - SILLAGE_CONTEXT_APP
  std::vector<std::string> counters{};      ///< fields, by number - SILLAGE_CONTEXT_COUNTER
  /// Flight recorder: the ring is read when the channel ends and not before, as always with kernel
  /// channels in overwrite mode. Makes sense with `ring.overwrite` alone.
  bool read_at_end = false;
  FileOptions files{};
  /// How long ago a sub-buffer has ended whose memory is given back to the system once it was read; none: its memory stays. In
  /// discard mode.
  std::optional<Nanoseconds> reclaim_age{};
  /// Called by the collector's thread when the channel has been read to its end: what outlived the collector need not any
  /// more.
  std::function<void(const Stats&)> ended{};
};

/// A channel that an earlier collector recorded.
struct KeptChannel {
  Fd ring, ledger;
  std::vector<ctf::EventClass> events;  ///< that were declared, by id
};

/// One channel that programs in the kernel write: a ring made or adopted by its owner, who makes the
/// programs too. One file per CPU that ever recorded: NAME_CPU.
struct KernelChannelOptions {
  std::string name;
  ring::KernelRing ring;
  ctf::FieldClassRef contexts;  ///< in front of every payload; null: none
  /// A BPF ring buffer to which programs post when they begin a sub-buffer of an armed stream; none:
  /// the ring is looked at every 0.1 s.
  Fd wakeup{};
  FileOptions files{};
  /// Memory that outlives the collector, kernel_ledger_bytes() of it, for the one that goes on with the channel; none: there is no
  /// such one.
  Fd ledger{};
};

/// A channel as programs get it.
struct OpenChannel {
  ChannelId id;
  Fd ring;    ///< descriptor of the ring's memory (a duplicate: the caller's to close)
  Fd ledger;  ///< of what another collector has to know to go on with it; a duplicate, too
};

/// Of KernelChannelOptions::ledger, for a ring of so many CPUs.
[[nodiscard]] std::uint64_t kernel_ledger_bytes(std::uint32_t cpu_count);

/// Turns the rings of one recording into CTF traces on disk, on a thread of its own.
///
/// The output always ends on whole packets. While it has no room, packets are dropped and their
/// events counted as lost, rings go on being read, and writing resumes when there is room again.
///
/// Lifetime: the ClockKeeper must outlive it.
/// Threads:  all functions from any thread; none waits for a program, add_* and open_trace only for
///           the disk.
class Collector {
 public:
  /// Makes the output directory and starts the thread.
  ///
  /// Errors: those of the output directory (kPermission, kNoSpace, ...), naming it.
  [[nodiscard]] static Result<std::unique_ptr<Collector>> create(CollectorOptions options,
                                                                 const ClockKeeper& clock);
  /// Stops, if nobody did.
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  /// Makes the trace's directory and metadata file.
  ///
  /// Errors: kAlreadyExists  the directory holds a trace.
  ///         kInvalidArgument  the directory leads out of the output directory.
  [[nodiscard]] Result<TraceId> open_trace(const TraceOptions& options);

  /// Makes a channel's ring and declares the channel in the metadata.
  ///
  /// Errors: those of ring::Ring::create and of the metadata file;
  ///         kNotFound         no such trace, or it is closed;
  ///         kInvalidArgument  the name cannot be a file's, or a context is unknown.
  [[nodiscard]] Result<OpenChannel> add_channel(TraceId trace, const ChannelOptions& options);

  /// Declares a kernel channel in the metadata and reads its ring from now on. In overwrite mode it
  /// is read when the trace is closed or the collector stops: what is left then, oldest first.
  ///
  /// Errors: those of the metadata file and of mapping the wake-up buffer;
  ///         kNotFound         no such trace, or it is closed;
  ///         kInvalidArgument  the name cannot be a file's.
  [[nodiscard]] Result<ChannelId> add_kernel_channel(TraceId trace, KernelChannelOptions options);

  /// What has to be known to go on with a trace.
  ///
  /// Errors: kNotFound  no such trace, or it is closed.
  [[nodiscard]] Result<TraceIdentity> identity(TraceId trace);
  /// Goes on with a trace that an earlier collector was killed in the middle of, with the same options.
  ///
  /// Errors: kNotFound, kCorrupt  it is not there any more, or not whole.
  [[nodiscard]] Result<TraceId> resume_trace(const TraceOptions& options,
                                             const TraceIdentity& identity);
  /// Goes on with its kernel channels, all of them in their order: `options.ring` has been opened, not made. No packet
  /// is written twice, none is left torn. All events have been declared.
  ///
  /// Errors: those of add_kernel_channel() and of the files.
  [[nodiscard]] Result<ChannelId> resume_kernel_channel(TraceId trace,
                                                        KernelChannelOptions options);

  /// Goes on with a channel: no packet is written twice, none is left torn, no event is lost. All channels of a trace in their order.
  ///
  /// Errors: those of add_channel(), of the memory that was kept, and of the files.
  [[nodiscard]] Result<OpenChannel> resume_channel(TraceId trace, const ChannelOptions& options,
                                                   KeptChannel kept);
  /// In that order, one that had ended, of either kind.
  [[nodiscard]] Status skip_channel(TraceId trace);
  /// A channel's place in that order, from 0 on.
  ///
  /// Errors: kNotFound  no such channel, or it is closed.
  [[nodiscard]] Result<std::uint64_t> stream_class(ChannelId channel) const;
  /// Adds what an earlier collector had counted of channels that have ended.
  void add_ended(const Stats& stats);

  /// Declares an event and gives it the channel's next id, from 0 on. The metadata is on disk
  /// before this returns.
  ///
  /// `event` describes name, level and payload; `id` and the stream class in it are ignored.
  ///
  /// Errors: kNotFound     no such channel, or it is closed;
  ///         kUnsupported  a field whose length does not follow from those before it;
  ///         kNoSpace and other failures of the metadata file, which then holds nothing of the
  ///         event.
  [[nodiscard]] Result<EventId> add_event(ChannelId channel, ctf::EventClass event);

  /// Ends a trace whose programs have gone: reads its rings out, completes its files, frees its
  /// memory. Returns at once; the thread does it. Unknown and closed ones are ignored.
  void close_trace(TraceId trace);

  /// Frees what try-locks a program that has died holds on streams, so that others find them free.
  ///
  /// `registration` is the program's, as in sillage_app_reply. Call it when its pidfd says that it
  /// is gone.
  void release_locks(std::uint32_t registration);

  /// How many events of a kernel channel the kernel left out because it does not run a program within
  /// itself (recursion_misses of the programs, summed): lost too. Call it once more before the end.
  void set_nested_lost(ChannelId channel, std::uint64_t events);

  /// What is recorded and lost so far, as of the thread's last round (at most 0.1 s ago).
  [[nodiscard]] Stats stats() const;

  /// The part of one channel in that; nothing once its trace is closed or the collector stopped.
  [[nodiscard]] ChannelStats channel_stats(ChannelId channel) const;

  /// What its ring takes of the machine's memory, by CPU; nothing of a kernel channel, or once its trace is closed.
  ///
  /// Cost: a system call a stream, which looks at each page.
  [[nodiscard]] std::vector<StreamMemory> memory(ChannelId channel) const;

  /// Reads everything published until now: the trace on disk is complete when this returns, and
  /// recording may go on. Gates must be closed and kernel programs detached before, as for stop().
  ///
  /// Cost: as long as the disk takes.
  void flush();
  /// The same of one channel.
  void flush(ChannelId channel);

  /// Reads what there is and gives the memory of sub-buffers that ended so long ago back to the system. Kernel channels and those
  /// in overwrite mode keep theirs.
  ///
  /// Errors: kNotFound  no such channel, or it is closed; kNotReady  the collector has stopped; those of madvise().
  [[nodiscard]] Result<ring::Reclaimed> reclaim_memory(ChannelId channel, Nanoseconds older_than);

  /// Writes what the rings hold as traces that stand alone, below another directory; writers go on, and what is
  /// read is still there for the next snapshot.
  ///
  /// Shape:  per stream whole packets without a gap between them, up to now; where writers were faster than the copy, the
  ///         newest. Overwritten ones count in the packets' sequence numbers, lost events in their counters.
  /// Errors: kInvalidArgument  `max_bytes` is less than a packet of each stream; those of the directory and the files:
  ///                           then nothing of the snapshot is left.
  /// Cost:   a copy of the rings and the writing of it; the collector reads no ring meanwhile.
  [[nodiscard]] Result<Stats> snapshot(const SnapshotOptions& options);

  /// Called when all is ready to end a chunk that has come to this size, before the first file is moved; an error keeps that
  /// from being done. On the collector's thread.
  using ChunkHook = std::function<Status(std::uint64_t recorded_bytes)>;
  /// Ends the files with all that was published before this, and begins new ones while writers go on: what there was
  /// is moved to `archive`, a path below the output directory, as traces that stand alone. No event is in both, none in
  /// neither.
  ///
  /// Errors: those of the disk and of `ready`: the same files go on then. kUnsupported  nothing is on disk.
  /// Cost:   writers wait for nothing; opening traces and declaring events does.
  [[nodiscard]] Status rotate(const std::string& archive, const ChunkHook& ready = {});
  /// The same, and what there was goes; in memory, what the rings hold.
  [[nodiscard]] Status clear(const ChunkHook& ready = {});
  /// Before anything is resumed, with the archive that an earlier collector was ending a chunk for, behind its `ready`: completes
  /// that. Returns false if it had been given up. With nothing: removes what was prepared and not decided.
  ///
  /// Errors: those of the disk.
  [[nodiscard]] Result<bool> complete_chunk(const std::optional<std::string>& archive);
  /// Behind stop(): what is on disk is moved to `archive` or, if that is "", removed.
  [[nodiscard]] Status end_chunk(const std::string& archive);

  /// Writes the metadata of all traces anew, with this difference of realtime and CLOCK_MONOTONIC.
  ///
  /// Errors: those of the files.
  [[nodiscard]] Status set_clock_offset(std::int64_t clock_offset_ns);

  /// Reads everything published until now, completes all files and ends the thread; rings' memory
  /// is freed though programs may still map them. Gates must be closed and kernel programs detached
  /// before: what is published later is in no count. Again: the same.
  Stats stop();

  /// Stops, and removes what kernel channels have written, and the output directory, whose name is `path`, if nothing else is in
  /// it.
  void discard(const std::string& path);

 private:
  class Engine;
  explicit Collector(std::unique_ptr<Engine> engine);
  std::unique_ptr<Engine> engine_;
};

}  // namespace sillage::collect
