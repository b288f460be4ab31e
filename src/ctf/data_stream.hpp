// SPDX-License-Identifier: MIT
// One data stream: the packets of one or several files in order of time, as event records.
#pragma once

#include "ctf/clock_time.hpp"
#include "ctf/decoder.hpp"
#include "ctf/scanner.hpp"
#include "ctf/stream_file.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sillage::ctf {

class DataStream;

/// Event records or packets that the tracer says it lost.
struct Discarded {
  enum class What : std::uint8_t { kEvents, kPackets };
  What what = What::kEvents;
  /// None: some, at the latest in the stream's first packet.
  std::optional<std::uint64_t> count{};
  std::optional<std::int64_t> begin_ns{}, end_ns{};  ///< both or none
  const DataStream* stream = nullptr;
};
using DiscardedReport = std::function<void(const Discarded&)>;

/// Nanoseconds from the clock's origin, both bounds included; none: no bound.
struct TimeRange {
  std::optional<std::int64_t> begin_ns{}, end_ns{};
};

/// A trace: the directories with metadata of one UUID.
struct Trace {
  std::string path{};  ///< of the first directory
  std::shared_ptr<const Plan> plan{};
  std::string name{};               ///< Babeltrace's: host name and path below what was asked for
  std::vector<StreamScan> scans{};  ///< as Plan::streams()

  /// An entry of the environment, or nullptr.
  [[nodiscard]] const EnvironmentValue* environment(std::string_view entry) const;
};

/// Event records of one packet, found but not decoded.
///
/// Lifetime: as long as the file of the packet is open.
struct RowBatch {
  std::span<const std::byte> packet{};
  std::span<const Row> rows{};

  [[nodiscard]] const std::uint8_t* packet_start() const {
    return reinterpret_cast<const std::uint8_t*>(packet.data());
  }
};

/// Reads the event records of a data stream one after the other, or in batches.
///
/// Records are found in batches and decoded when they are asked for.
/// Lifetime: the trace must outlive it.
/// Threads:  one at a time.
class DataStream {
 public:
  struct Source {
    const Trace* trace = nullptr;
    std::uint64_t id = 0;  ///< the stream's own, or given by the reader
    std::vector<std::shared_ptr<const StreamFile>> files{};
    std::vector<PacketPlace> packets{};  ///< in order of time
    std::int64_t clock_offset_ns = 0;
  };
  DataStream(std::shared_ptr<const Source> source, const StreamPlan* plan, DamageReport damage,
             DiscardedReport discarded);
  DataStream(const DataStream&) = delete;
  DataStream& operator=(const DataStream&) = delete;
  ~DataStream() = default;

  /// Reads the next event record inside the range; false if there is none left.
  [[nodiscard]] bool next();

  /// The event record that next() read. Lifetime: until its next call.
  ///
  /// Cost: decodes it when it is asked for first.
  [[nodiscard]] const EventView& event() const {
    if (!is_decoded_) decode();
    return *event_;
  }
  /// Its class.
  [[nodiscard]] const EventPlan& event_plan() const { return plan_->events[row().event]; }
  [[nodiscard]] const Row& row() const { return rows_[row_]; }
  /// It, and those behind it in its packet that were found already.
  [[nodiscard]] RowBatch batch() const {
    return {.packet = packet_bytes_, .rows = {rows_.data() + row_, row_count_ - row_}};
  }
  /// Goes on by `count` records, at most to the end of batch(): then next() reads the one behind.
  void skip(std::size_t count) { row_ += count - 1; }
  /// How many records batch() has at most. To be called in front of the first next().
  void set_batch_rows(std::size_t count) { rows_.resize(count); }
  [[nodiscard]] const StreamScan& scan() const { return scanner_.scan(); }
  /// Of the packet that batch() is in.
  [[nodiscard]] Values packet_context() const { return decoder_.packet_context(); }
  [[nodiscard]] std::int64_t ns_of(const Row& row) const {
    return has_time_ ? clock_.ns(row.clock) : 0;
  }

  /// Counts all event records inside the range, by class, instead of reading them.
  ///
  /// `counts`: as StreamPlan::events. `reports` of damage and discarded events come as with next().
  void count(std::span<std::uint64_t> counts);

  /// Cuts the packets into parts of about so many bytes that part() can read at the same time; into
  /// one where packets do not say when they begin. Pairs of first packet and the one behind the last.
  [[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> split(std::uint64_t bytes) const;
  /// A stream of some of the packets, with the same range and selection of events.
  [[nodiscard]] std::unique_ptr<DataStream> part(std::pair<std::size_t, std::size_t> packets) const;
  /// A stream of the same records that reports to others.
  [[nodiscard]] std::unique_ptr<DataStream> copy(DamageReport damage,
                                                 DiscardedReport discarded) const;

  /// Leaves out the records of some classes: `wanted`, as StreamPlan::events, is 0 for them. To be
  /// called in front of the first next().
  void select(std::vector<std::uint8_t> wanted);
  [[nodiscard]] const std::vector<std::uint8_t>& wanted() const { return scanner_.wanted(); }
  /// Its time, in nanoseconds from the clock's origin; 0 without a clock.
  [[nodiscard]] std::int64_t ns() const { return ns_; }
  [[nodiscard]] bool has_time() const { return has_time_; }

  /// Leaves out what is not in this range as well: ranges add up.
  void restrict(const TimeRange& range);

  /// From the begin of the first packet to the end of the last; none if packets do not say.
  [[nodiscard]] std::optional<std::int64_t> begin_ns() const;
  [[nodiscard]] std::optional<std::int64_t> end_ns();

  [[nodiscard]] const std::vector<PacketPlace>& packets() const { return source_->packets; }
  /// The time of a clock's value.
  [[nodiscard]] std::int64_t ns_of_cycles(std::uint64_t cycles) const { return clock_.ns(cycles); }
  [[nodiscard]] const Trace& trace() const { return *source_->trace; }
  [[nodiscard]] const StreamPlan& plan() const { return *plan_; }
  [[nodiscard]] std::uint64_t id() const { return source_->id; }
  /// The path of the first file.
  [[nodiscard]] const std::string& name() const { return source_->files.front()->path(); }

 private:
  [[nodiscard]] std::optional<std::int64_t> earliest_ns(std::size_t packet) const;
  [[nodiscard]] std::optional<std::int64_t> latest_ns(std::size_t packet) const;
  void skip_to_range();
  bool open_packet();
  void close_packet(Scanner::Step last);
  [[nodiscard]] bool lost_file();
  bool fill();
  void forget(std::uint64_t end);
  void prime();
  void keep_range();
  void decode() const;
  void report_discarded(const PacketInfo& info);

  std::shared_ptr<const Source> source_;
  const StreamPlan* plan_;
  DamageReport damage_;
  DiscardedReport discarded_;
  Decoder decoder_;
  Scanner scanner_;
  ClockTime clock_;
  TimeRange range_;
  bool has_time_;
  bool in_packet_ = false;
  Scanner::Step step_ = Scanner::Step::kMore;
  std::size_t packet_ = 0;   // the next one
  std::size_t last_packet_;  // behind the last one
  std::span<const std::byte> packet_bytes_;
  std::vector<Row> rows_;
  std::size_t row_ = 0, row_count_ = 0;
  std::int64_t ns_ = 0;
  std::uint64_t forgotten_ = 0;  // bytes of the current file
  std::optional<std::uint64_t> last_discarded_, last_sequence_, last_end_;
  mutable RowReader reader_;
  mutable const EventView* event_ = nullptr;
  mutable bool is_decoded_ = false;
};

}  // namespace sillage::ctf
