// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "collect/file_options.hpp"
#include "collect/packet_file.hpp"
#include "collect/record_scanner.hpp"
#include "collect/stream_ledger.hpp"
#include "ring/run_source.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace sillage::collect {

/// The folder and identity that the data streams of a trace share.
struct TraceOutput {
  int directory = -1, index_directory = -1;
  ctf::Uuid uuid{};
  /// What is recorded there is read and gone.
  [[nodiscard]] bool is_nowhere() const { return directory < 0; }
};

/// Whether the output works, for all recorders of a collector: after a failure nothing is tried for
/// a while, so that a full disk costs no more than it must.
class OutputHealth {
 public:
  [[nodiscard]] bool may_try(Nanoseconds now) const { return !failing_ || now >= retry_; }
  void report(const Status& status, Nanoseconds now);
  /// Says what else went wrong, with the input; packets are tried as before.
  void report_input(std::string error) { input_error_ = std::move(error); }
  [[nodiscard]] const std::string& input_error() const { return input_error_; }
  /// Lets the next packet be tried whatever happened before.
  void retry_now() { retry_ = {}; }
  [[nodiscard]] bool failing() const { return failing_; }
  /// The last failure; empty if there was none.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool failing_ = false;
  Nanoseconds retry_{};
  std::string error_, input_error_;
};

/// Turns one stream of a ring into one CTF data stream: run by run, each a packet.
///
/// Times of packets never overlap or go back. The discarded-events counter holds all events lost
/// but those overwritten in overwrite mode, which the packet sequence numbers show, as in LTTng's
/// traces.
///
/// Lifetime: the ring of `source` must outlive it.
/// Threads:  one at a time.
class StreamRecorder {
 public:
  StreamRecorder(std::unique_ptr<ring::RunSource> source, std::string file_name,
                 std::uint32_t stream_class_id, std::uint32_t stream_index, std::uint32_t cpu,
                 FileLimits limits)
      : limits_(limits),
        source_(std::move(source)),
        file_name_(std::move(file_name)),
        stream_class_id_(stream_class_id),
        stream_index_(stream_index),
        cpu_(cpu) {}

  /// The next run, to be handed to `record()`: a step of its own so that the caller can learn of
  /// new events between.
  [[nodiscard]] std::optional<ring::Run> next_run(std::span<std::byte> buffer, bool flush) {
    return source_->next_run(buffer, flush);
  }

  /// When the last packet ended; 0 if there was none.
  [[nodiscard]] std::uint64_t last_end_ns() const { return at_.end_ns; }

  /// Another recorder of the same stream that begins where this one is, counts anew and leaves what it reads to
  /// others; into one file, whatever its size.
  [[nodiscard]] StreamRecorder peek() const;
  /// Numbers the next packet as if `packets` had been there before it.
  void skip_packets(std::uint64_t packets) { at_.packet += packets; }

  /// What is recorded from now on goes into a new file, in whatever folder it is handed then.
  void end_file();

  /// Times are of a clock that `now` is not of.
  void set_other_clock() { has_other_clock_ = true; }

  /// Has `ledger`, which must outlive this, know of every step from now on.
  void keep_ledger(StreamLedger* ledger) { ledger_ = ledger; }
  /// Tells it where this stands, behind a step that made no packet.
  void note_progress();
  /// Goes on where the ledger and the files say that an earlier recorder stood; returns where its reader did. A file that
  /// is not there any more has become part of a chunk that was ended.
  ///
  /// Errors: those of the files; kCorrupt  one is not as that recorder left it.
  [[nodiscard]] Result<StreamProgress> resume(const TraceOutput& output);
  /// Reads from another source, and has the ledger know: behind resume().
  void read_from(std::unique_ptr<ring::RunSource> source);
  /// Corrects, behind resume(), what a ring that keeps count itself knows better: events written, and not.
  void recount(std::uint64_t written, std::uint64_t unwritten);

  /// Scans a run that a program may have spoilt and writes its sound records as a packet. `now` is
  /// not before the run was read.
  void record(const ring::Run& run, const RecordScanner& scanner, const TraceOutput& output,
              OutputHealth& health, Nanoseconds now);

  /// Writes a run whose writers are trusted as a packet, as it is.
  void record_trusted(const ring::Run& run, const TraceOutput& output, OutputHealth& health,
                      Nanoseconds now);

  /// As RunSource::reclaim_memory().
  [[nodiscard]] Result<ring::Reclaimed> reclaim_memory(Nanoseconds ended_before) {
    return source_->reclaim_memory(ended_before);
  }

  /// Events lost of which the ring does not know, since the start; packets from now on count them.
  void set_lost_outside(std::uint64_t events) { lost_outside_ = events; }

  /// Says in an empty last packet what was lost behind the last one, if anything was.
  void finish(const TraceOutput& output, OutputHealth& health, Nanoseconds now);

  [[nodiscard]] const RecorderCounts& counts() const { return at_.counts; }
  [[nodiscard]] const ring::StreamLoss& ring_loss() { return source_->loss(); }
  [[nodiscard]] std::uint64_t pending_events() const { return source_->pending_events(); }

  /// Remembers how much was published, for give_up(): what is pending.
  void note_published(std::uint64_t pending);
  /// The ring's memory has gone: counts as lost what note_published() saw and is not in a packet, `dropped` events of it
  /// given out already, and reads nothing more.
  void give_up(std::uint64_t dropped);

 private:
  void write(ctf::PacketHead head, std::span<const std::byte> records, std::uint32_t events,
             const TraceOutput& output, OutputHealth& health, Nanoseconds now);
  [[nodiscard]] std::string name_of_file(std::uint32_t number) const;
  [[nodiscard]] Result<std::optional<PacketFile::Contents>> find_file(
      const RecorderProgress& at, const TraceOutput& output) const;
  void choose_file(std::uint64_t packet_bytes);
  [[nodiscard]] Status open_file(const TraceOutput& output);
  [[nodiscard]] Status try_write(const ctf::PacketHead& head, std::span<const std::byte> records,
                                 const TraceOutput& output);
  [[nodiscard]] StreamProgress progress(const RecorderProgress& mine) const {
    const ring::ReaderProgress* reader = source_->progress();
    return {reader != nullptr ? *reader : ring::ReaderProgress(), mine};
  }
  [[nodiscard]] std::uint64_t discarded(std::uint64_t lost_by_writers) const;

  FileLimits limits_;
  std::unique_ptr<ring::RunSource> source_;
  std::string file_name_;
  std::uint32_t stream_class_id_, stream_index_, cpu_;
  std::optional<PacketFile> file_;

  bool has_other_clock_ = false;
  StreamLedger* ledger_ = nullptr;
  RecorderProgress at_;
  std::uint64_t lost_outside_ = 0;
  std::uint64_t published_ = 0;
};

}  // namespace sillage::collect
