// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "collect/packet_file.hpp"
#include "collect/record_scanner.hpp"
#include "ring/stream_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sillage::collect {

/// What one recorder put into its file and what it could not; the writers' and the reader's losses
/// are the reader's.
struct RecorderCounts {
  std::uint64_t events = 0, packets = 0, bytes = 0;
  std::uint64_t lost_disk = 0;     ///< events in packets that could not be written
  std::uint64_t lost_corrupt = 0;  ///< events behind damage in a run
  std::uint64_t cut_packets = 0;   ///< runs with damage
};

/// The folder and identity that the data streams of a trace share.
struct TraceOutput {
  int directory = -1, index_directory = -1;
  ctf::Uuid uuid{};
};

/// Whether the output works, for all recorders of a collector: after a failure nothing is tried for
/// a while, so that a full disk costs no more than it must.
class OutputHealth {
 public:
  [[nodiscard]] bool may_try(Nanoseconds now) const { return !failing_ || now >= retry_; }
  void report(const Status& status, Nanoseconds now);
  /// Lets the next packet be tried whatever happened before.
  void retry_now() { retry_ = {}; }
  [[nodiscard]] bool failing() const { return failing_; }
  /// The last failure; empty if there was none.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool failing_ = false;
  Nanoseconds retry_{};
  std::string error_;
};

/// Turns one stream of a ring into one CTF data stream: run by run, each a packet.
///
/// Times of packets never overlap or go back. The discarded-events counter holds all events lost
/// but those overwritten in overwrite mode, which the packet sequence numbers show, as in LTTng's
/// traces.
///
/// Lifetime: the ring of `reader` must outlive it.
/// Threads:  one at a time.
class StreamRecorder {
 public:
  StreamRecorder(ring::StreamReader reader, std::string file_name, std::uint32_t stream_class_id,
                 std::uint32_t stream_index, std::uint32_t cpu)
      : reader_(reader),
        file_name_(std::move(file_name)),
        stream_class_id_(stream_class_id),
        stream_index_(stream_index),
        cpu_(cpu) {}

  /// The next run, to be handed to `record()`: a step of its own so that the caller can learn of
  /// new events between.
  [[nodiscard]] std::optional<ring::Run> next_run(std::span<std::byte> buffer, bool flush) {
    return reader_.next_run(buffer, flush);
  }

  /// Scans a run and writes its sound records as a packet. `now` is not before the run was read.
  void record(const ring::Run& run, const RecordScanner& scanner, const TraceOutput& output,
              OutputHealth& health, Nanoseconds now);

  /// Says in an empty last packet what was lost behind the last one, if anything was.
  void finish(const TraceOutput& output, OutputHealth& health, Nanoseconds now);

  [[nodiscard]] const RecorderCounts& counts() const { return counts_; }
  [[nodiscard]] const ring::StreamLoss& ring_loss() { return reader_.loss(); }
  [[nodiscard]] std::uint64_t pending_events() const { return reader_.pending_events(); }

 private:
  void write(ctf::PacketHead head, std::span<const std::byte> records, std::uint32_t events,
             const TraceOutput& output, OutputHealth& health, Nanoseconds now);
  [[nodiscard]] Status try_write(const ctf::PacketHead& head, std::span<const std::byte> records,
                                 const TraceOutput& output);
  [[nodiscard]] std::uint64_t discarded(std::uint64_t lost_by_writers) const;

  ring::StreamReader reader_;
  const std::string file_name_;
  const std::uint32_t stream_class_id_, stream_index_, cpu_;
  std::optional<PacketFile> file_;

  StreamTime time_;
  std::optional<std::uint64_t> unreadable_;  // sub-buffer of which the rest cannot be read
  std::uint64_t end_ns_ = 0;                 // of the last packet
  std::uint64_t packet_ = 0;                 // number of the next
  std::uint64_t told_discarded_ = 0;         // as the last packet on disk says
  RecorderCounts counts_;
};

}  // namespace sillage::collect
