// SPDX-License-Identifier: MIT
// Traces in directories, as one sequence of event records in order of time.
#pragma once

#include "base/result.hpp"
#include "ctf/data_stream.hpp"

#include <cstdint>
#include <memory>
#include <optional>
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
  /// same UUID (chunks of a rotation, snapshots) are read as one.
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

  /// How many damages were reported.
  [[nodiscard]] std::uint64_t damage_count() const { return state_->damage_count; }

  [[nodiscard]] const std::vector<std::unique_ptr<Trace>>& traces() const { return traces_; }

 private:
  /// Shared with the streams' reports: a reader may move.
  struct State {
    ReadOptions options;
    std::uint64_t damage_count = 0;
    [[nodiscard]] bool is_over() const { return options.is_strict && damage_count != 0; }
  };
  struct Merged {
    std::unique_ptr<DataStream> stream;
    std::uint32_t order = 0;  ///< equal for streams that only their events tell apart
  };
  struct Directory;

  explicit TraceReader(ReadOptions options);
  Status add(std::vector<Directory> group);
  Status intersect(std::size_t first_stream);
  void set_order();
  [[nodiscard]] static bool is_before(const Merged& a, const Merged& b);
  void sift_down(std::size_t place);
  [[nodiscard]] DamageReport damage_report() const;

  std::shared_ptr<State> state_;
  std::vector<std::unique_ptr<Trace>> traces_;
  std::vector<Merged> streams_;
  std::vector<const Merged*> heap_;  // the earliest event in front
  bool is_started_ = false;
};

}  // namespace sillage::ctf
