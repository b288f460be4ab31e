// SPDX-License-Identifier: MIT
// Traces in directories, as one sequence of event records in order of time.
#pragma once

#include "base/result.hpp"
#include "ctf/data_stream.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sillage::ctf {

/// What to read, and whom to tell of what is missing.
struct ReadOptions {
  std::int64_t clock_offset_ns = 0;  ///< added to the offset of every clock
  /// Of each trace, only the time in which all its data streams were recorded.
  bool stream_intersection = false;
  /// End at the first damage instead of skipping it.
  bool is_strict = false;
  DamageReport on_damage{};
  DiscardedReport on_discarded{};
  /// Only events whose name matches one of these, as file names in a shell; empty: all.
  std::vector<std::string> event_globs{};
};

/// Events of one stream of which none is behind an event of another one.
///
/// Lifetime: until the next call of the reader; rows and packet, as long as it lives.
struct Run {
  const DataStream* stream = nullptr;
  std::size_t index = 0;  ///< of the stream, in TraceReader::streams()
  RowBatch batch{};
};

/// Merges the data streams of traces by time.
///
/// Order: events without time first; at the same time by UUID and name of the trace, number of the
///        data stream class, number of the data stream, then by class of the event and file.
/// Source: order measured against Babeltrace 2.2.
class TraceReader {
 public:
  /// Finds the traces at or below each path, and the packets in their files.
  ///
  /// A directory with a file `metadata` is a trace; what is below it is not searched. Traces of the
  /// same UUID (chunks of a rotation, snapshots) are read as one. A trace that is still being written
  /// is read as it is now: what is appended later is not there.
  /// Errors: kNotFound        a path is not there, or has no trace.
  ///         kInvalidArgument the data streams of a trace have no common time, and
  ///                          `stream_intersection` asks for it.
  ///         those of read_metadata() and Plan::compile().
  [[nodiscard]] static Result<TraceReader> open(const std::vector<std::string>& paths,
                                                ReadOptions options);
  TraceReader(TraceReader&&) noexcept = default;
  TraceReader& operator=(TraceReader&&) noexcept = default;
  ~TraceReader() = default;

  /// The begin of the earliest packet; none if no packet says.
  [[nodiscard]] std::optional<std::int64_t> begin_ns() const;

  /// Leaves out events outside this range. To be called in front of the first next().
  void restrict(const TimeRange& range);

  /// Reads the next event; the stream it belongs to, or nullptr at the end.
  ///
  /// Lifetime: the event, until the next call.
  [[nodiscard]] const DataStream* next();

  /// Reads the next events that one stream has in sequence; nothing at the end.
  ///
  /// Cost: merging costs nothing for as long as one stream is the earliest.
  [[nodiscard]] std::optional<Run> next_run();

  /// Counts the events that are left instead of reading them, stream by stream: `take` gets each
  /// stream and its counts, as StreamPlan::events. Reports come from all `threads`, one at a time.
  void count(unsigned threads,
             const std::function<void(const DataStream&, std::span<const std::uint64_t>)>& take);

  /// A reader of the same traces that reads only some time, and reports to `options`, of which the
  /// rest is this reader's. Streams without time are in it if `with_timeless` says so.
  [[nodiscard]] TraceReader part(const TimeRange& range, bool with_timeless,
                                 ReadOptions options) const;

  /// Gives streams, or parts of them if there are several threads, to `take` on all threads: each
  /// event is in one of them. Instead of next().
  void for_each_shard(unsigned threads,
                      const std::function<void(DataStream* stream, unsigned thread)>& take);

  /// The streams, in order of their files. To be read from instead of by next().
  [[nodiscard]] std::vector<DataStream*> streams() const;

  /// How many damages were reported; last packets that may still be written are none, unless reading
  /// is strict.
  [[nodiscard]] std::uint64_t damage_count() const { return state_->damage_count; }

  [[nodiscard]] const std::vector<std::shared_ptr<Trace>>& traces() const { return traces_; }

 private:
  /// Shared with the streams' reports: a reader may move.
  struct State {
    ReadOptions options;
    std::mutex reporting;
    std::atomic<std::uint64_t> damage_count = 0;
    [[nodiscard]] bool is_over() const { return options.is_strict && damage_count != 0; }
  };
  struct Merged {
    std::unique_ptr<DataStream> stream;
    std::size_t index = 0;
    std::uint32_t order = 0;  ///< equal for streams that only their events tell apart
  };
  struct Directory;

  explicit TraceReader(ReadOptions options);
  Status add(std::vector<Directory> group);
  Status intersect(std::size_t first_stream);
  void set_order();
  void select_events();
  [[nodiscard]] static bool is_before(const Merged& a, const Merged& b);
  void sift_down(std::size_t place);
  bool advance();
  [[nodiscard]] std::size_t run_length() const;
  [[nodiscard]] DamageReport damage_report() const;
  [[nodiscard]] DiscardedReport discarded_report() const;

  std::shared_ptr<State> state_;
  std::vector<std::shared_ptr<Trace>> traces_;
  std::vector<Merged> streams_;
  std::vector<const Merged*> heap_;  // the earliest event in front
  std::size_t taken_ = 0;            // records of the front that were given out
  bool is_started_ = false;
};

}  // namespace sillage::ctf
