// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "collect/bell.hpp"
#include "collect/clock_keeper.hpp"
#include "collect/file_options.hpp"
#include "collect/stats.hpp"
#include "collect/stream_recorder.hpp"
#include "collect/trace_writer.hpp"
#include "ctf/model.hpp"
#include "ring/run_source.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sillage::collect {

/// One snapshot, as far as a channel goes by it.
struct SnapshotExtent {
  Nanoseconds until{};          ///< all that was published before it, and is still there
  std::size_t max_packets = 0;  ///< of a stream
};

/// One channel of a trace, whoever writes its ring: event ids, and a recorder for each stream.
///
/// What depends on who writes is in its two kinds, UserChannel and KernelChannel.
///
/// Threads: add_event() from any; the rest from the collector's alone.
class Channel {
 public:
  virtual ~Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Declares an event and gives it the next id; known to the reader before this returns.
  [[nodiscard]] Result<EventId> add_event(ctf::EventClass event);

  /// An event that an earlier collector declared, in the same order; before any of add_event().
  [[nodiscard]] Status resume_event(ctf::EventClass event);

  /// Whether its ring is read when the channel ends and not before, or never but for snapshots.
  [[nodiscard]] bool is_read_at_end() const { return shape_.read_at_end || is_in_memory(); }
  [[nodiscard]] const std::shared_ptr<TraceWriter>& trace() const { return trace_; }
  /// Of its data streams, in the trace.
  [[nodiscard]] std::uint64_t stream_class_id() const { return stream_class_.id; }
  /// Whether nothing of it is on disk but in snapshots.
  [[nodiscard]] bool is_in_memory() const { return trace_->is_in_memory(); }
  /// Bytes of records that a stream can hold.
  [[nodiscard]] std::uint64_t stream_bytes() const {
    return shape_.subbuf_bytes * shape_.subbuf_count;
  }

  /// Reads what there is: closed sub-buffers and, with `flush_until`, all that was published before then.
  /// Returns whether there was anything.
  ///
  /// Cost: at most twice the ring's size; `buffer` grows to a sub-buffer.
  bool drain(std::vector<std::byte>& buffer, std::optional<Nanoseconds> flush_until,
             const ClockKeeper& clock, OutputHealth& health);

  /// When open sub-buffers are to be written next, by its switch period; never without one.
  [[nodiscard]] Nanoseconds switch_due() const { return switch_due_; }
  /// The same as drain(), and looks whether that is so.
  bool drain_on_time(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                     OutputHealth& health);

  /// Reads all that was published before this, while writers go on; what is in memory is forgotten.
  void read_published(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                      OutputHealth& health);
  /// Ends the files: what is read from now on goes into new ones, in the folder that the trace has then.
  void end_files();

  /// Gives memory of sub-buffers back to the system that were read and ended so long ago. Nothing where it cannot be.
  ///
  /// Errors: those of ring::RunSource::reclaim_memory(); other streams' memory was given back.
  [[nodiscard]] Result<ring::Reclaimed> reclaim_memory(Nanoseconds older_than,
                                                       const ClockKeeper& clock);
  /// Has drain_on_time() do so, every now and then.
  void reclaim_on_time(Nanoseconds older_than);

  /// Of its ring, by CPU; nothing of a kernel's.
  ///
  /// Threads: any.
  [[nodiscard]] virtual std::vector<StreamMemory> memory() const { return {}; }

  /// Writes what the ring holds as new files, and takes nothing from it; adds what that came to to `stats`.
  ///
  /// Cost: a copy of one stream at a time, in `memory`, which grows to that.
  void write_snapshot(const SnapshotExtent& extent, const TraceOutput& output,
                      std::vector<std::byte>& memory, const ClockKeeper& clock,
                      OutputHealth& health, Stats& stats);
  /// Bytes of one packet of each stream that holds events.
  [[nodiscard]] std::uint64_t snapshot_packet_bytes() const;

  /// Has the next writer that switches sub-buffers end the collector's sleep; adds to `doorbells`
  /// what it changes for that, if it does not ring the collector's bell itself.
  virtual void arm(std::vector<Doorbell>& doorbells) = 0;

  /// Frees what a program that has died holds in the ring.
  virtual void release_locks(std::uint32_t /*registration*/) {}

  /// Reads everything published, also what is otherwise read at the end, and says what was lost until now: the
  /// files are complete as they are, and may go on. Writers must be quiet.
  void flush(std::vector<std::byte>& buffer, const ClockKeeper& clock, OutputHealth& health);

  /// Reads everything published, completes the files and gives the ring's memory back.
  void finish(std::vector<std::byte>& buffer, const ClockKeeper& clock, OutputHealth& health);

  /// How many events were lost since the start of which the ring does not know, as the kernel did
  /// not run their program within itself; never falls. Packets of the first stream count them, as
  /// nobody knows the CPU.
  ///
  /// Threads: any.
  void set_nested_lost(std::uint64_t events);

  /// Adds this channel's part to `stats`; says it if the ring's memory has gone.
  void count(Stats& stats, OutputHealth& health);
  /// Its part of the last count().
  ///
  /// Threads: any.
  [[nodiscard]] ChannelStats counted() const;

 protected:
  /// What of a ring the collector goes by.
  struct Shape {
    std::uint64_t subbuf_bytes = 0, subbuf_count = 0;
    bool read_at_end = false;
    FileOptions files{};
  };

  Channel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class, Shape shape);

  /// Adds the recorder of a stream: the file NAME_INDEX.
  void add_stream(std::unique_ptr<ring::RunSource> source, const std::string& name,
                  std::uint32_t index, std::uint32_t cpu);
  [[nodiscard]] bool has_given_up() const { return has_given_up_; }
  [[nodiscard]] const ctf::DataStreamClass& stream_class() const { return stream_class_; }
  [[nodiscard]] std::vector<StreamRecorder>& recorders() { return recorders_; }
  [[nodiscard]] TraceOutput output() const { return trace_->output(); }

  /// Writes a run as a packet.
  virtual void record(StreamRecorder& recorder, const ring::Run& run, const TraceOutput& output,
                      OutputHealth& health, Nanoseconds now) = 0;
  /// Looks at an event that is to be declared: what it refuses gets no id.
  [[nodiscard]] virtual Status prepare(const ctf::EventClass& /*event*/) { return {}; }
  /// The event of the last prepare() is in the metadata, with the next id.
  virtual void declared() {}
  /// Reads out what can be read when no more is published.
  virtual void read_out(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                        OutputHealth& health);
  /// Counts as lost what no read_out() can read any more.
  virtual void abandon_rest() {}
  /// Gives the ring's memory back.
  virtual void give_back_memory() {}
  /// Whether the ring's memory has gone: what was read last is nobody's, and nothing follows.
  [[nodiscard]] virtual bool is_gone() const { return false; }

 private:
  void tell_nested_lost();
  void give_up(const StreamRecorder* reading, std::uint64_t dropped, OutputHealth& health);

  static constexpr Nanoseconds kNever{std::numeric_limits<std::uint64_t>::max()};
  static constexpr Nanoseconds kReclaimPeriod{250'000'000};  // at least, as LTTng's
  const std::shared_ptr<TraceWriter> trace_;
  const ctf::DataStreamClass stream_class_;
  const Shape shape_;
  std::vector<StreamRecorder> recorders_;
  Nanoseconds switch_due_ = kNever, reclaim_due_ = kNever;
  Nanoseconds reclaim_age_{};
  bool has_given_up_ = false;  // is_gone() was seen
  std::atomic<std::uint64_t> nested_lost_ = 0;
  std::atomic<std::uint64_t> discarded_events_ = 0, lost_packets_ = 0, sent_events_ = 0,
                             rejected_events_ = 0;  // by the last count()

  std::mutex declaring_;  // held over writing the metadata, so that ids stand there in their order
  std::uint32_t next_event_ = 0;
};

}  // namespace sillage::collect
