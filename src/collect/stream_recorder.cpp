// SPDX-License-Identifier: MIT
#include "collect/stream_recorder.hpp"

#include <algorithm>

namespace sillage::collect {
namespace {

// How long a failing output is left alone.
constexpr std::uint64_t kRetryNs = 100'000'000;
// How far ahead of our clock a writer's may be: TSCs of a machine agree far better, and less would
// be enough. A time beyond it is not a time anyone read.
constexpr std::uint64_t kClockSlackNs = 1'000'000;

}  // namespace

void OutputHealth::report(const Status& status, Nanoseconds now) {
  failing_ = !status;
  if (status) return;
  error_ = status.error().text();
  retry_ = {now.value + kRetryNs};
}

void StreamRecorder::resume(std::optional<PacketFile::Contents> contents, std::uint64_t written,
                            std::uint64_t unwritten) {
  at_.counts.events = written;
  at_.counts.lost_disk = unwritten;
  if (!contents) return;
  at_.end_ns = contents->last.end;
  at_.packet = contents->last.sequence_number + 1;
  at_.told_discarded = contents->last.events_discarded;
  at_.counts.packets = at_.file_packets = contents->packets;
  at_.counts.bytes = contents->file.size();
  file_ = std::move(contents->file);
}

void StreamRecorder::resume(std::optional<PacketFile::Contents> contents,
                            const RecorderProgress& progress,
                            std::unique_ptr<ring::RunSource> source) {
  at_ = progress;
  source_ = std::move(source);
  if (contents) file_ = std::move(contents->file);
}

void StreamRecorder::note_progress() {
  if (ledger_ != nullptr) ledger_->note(stream_index_, progress(at_));
}

void StreamRecorder::record(const ring::Run& run, const RecordScanner& scanner,
                            const TraceOutput& output, OutputHealth& health, Nanoseconds now) {
  at_.packet += run.skipped_subbufs;
  const std::uint64_t limit = now.value + kClockSlackNs;
  const bool begins = run.offset == 0;
  // Losing the beginning of a sub-buffer, or having it begun at an impossible time, is losing its
  // clock.
  const bool readable =
      begins ? run.begin_ns >= at_.end_ns && run.begin_ns <= limit : at_.unreadable != run.sequence;
  if (!readable) {
    at_.unreadable = run.sequence;
    at_.counts.lost_corrupt += run.events;
    at_.counts.cut_packets += run.events != 0 ? 1 : 0;
    return note_progress();
  }
  if (begins) at_.time = StreamTime::at(run.begin_ns);

  const bool has_end = run.closed && run.end_ns >= at_.time.last_ns && run.end_ns <= limit;
  ctf::PacketHead head;
  head.begin = begins ? run.begin_ns : at_.time.last_ns;
  const Scan scan = scanner.scan(run.bytes, has_end ? run.end_ns : limit, at_.time);
  if (scan.damaged) at_.unreadable = run.sequence;
  if (run.events > scan.records) at_.counts.lost_corrupt += run.events - scan.records;
  if (scan.damaged || run.events != scan.records) ++at_.counts.cut_packets;
  head.end = has_end ? run.end_ns : at_.time.last_ns;
  head.events_discarded = discarded(run.lost);
  if (scan.records == 0 && head.events_discarded <= at_.told_discarded) return note_progress();
  write(head, run.bytes.first(scan.bytes), scan.records, output, health, now);
}

void StreamRecorder::record_trusted(const ring::Run& run, const TraceOutput& output,
                                    OutputHealth& health, Nanoseconds now) {
  at_.packet += run.skipped_subbufs;
  ctf::PacketHead head;
  head.begin = run.begin_ns;
  head.end = run.end_ns;
  head.events_discarded = discarded(run.lost);
  if (run.events == 0 && head.events_discarded <= at_.told_discarded) return;
  write(head, run.bytes, run.events, output, health, now);
}

void StreamRecorder::finish(const TraceOutput& output, OutputHealth& health, Nanoseconds now) {
  ctf::PacketHead head;
  head.events_discarded = discarded(source_->lost_by_writers());
  if (head.events_discarded <= at_.told_discarded) return;
  head.begin = at_.end_ns;
  head.end = std::max(at_.end_ns, now.value);
  if (at_.end_ns == 0) head.begin = head.end;
  write(head, {}, 0, output, health, now);
}

void StreamRecorder::write(ctf::PacketHead head, std::span<const std::byte> records,
                           std::uint32_t events, const TraceOutput& output, OutputHealth& health,
                           Nanoseconds now) {
  head.stream_class_id = stream_class_id_;
  head.stream_instance_id = stream_index_;
  head.sequence_number = at_.packet;
  head.cpu_id = cpu_;
  if (output.is_nowhere()) {
    at_.end_ns = head.end;
    at_.told_discarded = head.events_discarded;
    ++at_.packet;
    return note_progress();
  }
  RecorderProgress after = at_;
  after.end_ns = head.end;
  after.told_discarded = head.events_discarded;
  ++after.packet;
  ++after.file_packets;
  ++after.counts.packets;
  after.counts.events += events;
  if (ledger_ != nullptr) ledger_->announce(stream_index_, progress(after));
  bool written = false;
  if (health.may_try(now)) {
    const Status status = try_write(head, records, output);
    health.report(status, now);
    written = status.has_value();
  }
  if (!written) {
    at_.counts.lost_disk += events;
    source_->note_unwritten(events);
    return note_progress();
  }
  at_ = after;
  at_.counts.bytes = ended_bytes_ + file_->size();
  if (ledger_ != nullptr) ledger_->settle(stream_index_);
}

StreamRecorder StreamRecorder::peek() const {
  StreamRecorder other(source_->peek(), file_name_, stream_class_id_, stream_index_, cpu_, {});
  other.at_ = at_;
  other.at_.counts = {};
  other.lost_outside_ = lost_outside_;
  return other;
}

void StreamRecorder::end_file() {
  if (file_) ended_bytes_ += file_->size();
  file_.reset();
  file_number_ = 0;
  at_.file_packets = 0;
}

// Opens the file that a packet of this size goes into.
Status StreamRecorder::open_file(std::uint64_t packet_bytes, const TraceOutput& output) {
  if (file_ && limits_.bytes != 0 && file_->size() != 0 &&
      file_->size() + packet_bytes > limits_.bytes) {
    const std::uint32_t next = file_number_ + 1;
    end_file();
    file_number_ = limits_.count == 0 ? next : next % limits_.count;
  }
  if (file_) return {};
  const bool is_numbered = limits_.bytes != 0;
  const std::string name =
      is_numbered ? file_name_ + "_" + std::to_string(file_number_) : file_name_;
  auto made = is_numbered ? PacketFile::replace(output.directory, output.index_directory, name)
                          : PacketFile::create(output.directory, output.index_directory, name);
  if (!made) return tl::unexpected(std::move(made).error());
  file_ = std::move(*made);
  return {};
}

Status StreamRecorder::try_write(const ctf::PacketHead& head, std::span<const std::byte> records,
                                 const TraceOutput& output) {
  SILLAGE_TRY(open_file(ctf::packet_bytes(ctf::kPacketHeadBytes + records.size()), output));
  return file_->write(output.uuid, head, records);
}

std::uint64_t StreamRecorder::discarded(std::uint64_t lost_by_writers) const {
  return lost_by_writers + at_.counts.lost_disk + at_.counts.lost_corrupt +
         source_->corrupt_events() + lost_outside_;
}

}  // namespace sillage::collect
