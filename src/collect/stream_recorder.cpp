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
  counts_.events = written;
  counts_.lost_disk = unwritten;
  if (!contents) return;
  end_ns_ = contents->last.end;
  packet_ = contents->last.sequence_number + 1;
  told_discarded_ = contents->last.events_discarded;
  counts_.packets = contents->packets;
  counts_.bytes = contents->file.size();
  file_ = std::move(contents->file);
}

void StreamRecorder::record(const ring::Run& run, const RecordScanner& scanner,
                            const TraceOutput& output, OutputHealth& health, Nanoseconds now) {
  packet_ += run.skipped_subbufs;
  const std::uint64_t limit = now.value + kClockSlackNs;
  const bool begins = run.offset == 0;
  // Losing the beginning of a sub-buffer, or having it begun at an impossible time, is losing its
  // clock.
  const bool readable =
      begins ? run.begin_ns >= end_ns_ && run.begin_ns <= limit : unreadable_ != run.sequence;
  if (!readable) {
    unreadable_ = run.sequence;
    counts_.lost_corrupt += run.events;
    counts_.cut_packets += run.events != 0 ? 1 : 0;
    return;
  }
  if (begins) time_ = StreamTime::at(run.begin_ns);

  const bool has_end = run.closed && run.end_ns >= time_.last_ns && run.end_ns <= limit;
  ctf::PacketHead head;
  head.begin = begins ? run.begin_ns : time_.last_ns;
  const Scan scan = scanner.scan(run.bytes, has_end ? run.end_ns : limit, time_);
  if (scan.damaged) unreadable_ = run.sequence;
  if (run.events > scan.records) counts_.lost_corrupt += run.events - scan.records;
  if (scan.damaged || run.events != scan.records) ++counts_.cut_packets;
  head.end = has_end ? run.end_ns : time_.last_ns;
  head.events_discarded = discarded(run.lost);
  if (scan.records == 0 && head.events_discarded <= told_discarded_) return;
  write(head, run.bytes.first(scan.bytes), scan.records, output, health, now);
}

void StreamRecorder::record_trusted(const ring::Run& run, const TraceOutput& output,
                                    OutputHealth& health, Nanoseconds now) {
  packet_ += run.skipped_subbufs;
  ctf::PacketHead head;
  head.begin = run.begin_ns;
  head.end = run.end_ns;
  head.events_discarded = discarded(run.lost);
  if (run.events == 0 && head.events_discarded <= told_discarded_) return;
  write(head, run.bytes, run.events, output, health, now);
}

void StreamRecorder::finish(const TraceOutput& output, OutputHealth& health, Nanoseconds now) {
  ctf::PacketHead head;
  head.events_discarded = discarded(source_->lost_by_writers());
  if (head.events_discarded <= told_discarded_) return;
  head.begin = end_ns_;
  head.end = std::max(end_ns_, now.value);
  if (end_ns_ == 0) head.begin = head.end;
  write(head, {}, 0, output, health, now);
}

void StreamRecorder::write(ctf::PacketHead head, std::span<const std::byte> records,
                           std::uint32_t events, const TraceOutput& output, OutputHealth& health,
                           Nanoseconds now) {
  head.stream_class_id = stream_class_id_;
  head.stream_instance_id = stream_index_;
  head.sequence_number = packet_;
  head.cpu_id = cpu_;
  if (output.is_nowhere()) {
    end_ns_ = head.end;
    told_discarded_ = head.events_discarded;
    ++packet_;
    return;
  }
  bool written = false;
  if (health.may_try(now)) {
    const Status status = try_write(head, records, output);
    health.report(status, now);
    written = status.has_value();
  }
  if (!written) {
    counts_.lost_disk += events;
    source_->note_unwritten(events);
    return;
  }
  end_ns_ = head.end;
  told_discarded_ = head.events_discarded;
  ++packet_;
  ++counts_.packets;
  counts_.events += events;
  counts_.bytes = ended_bytes_ + file_->size();
}

StreamRecorder StreamRecorder::peek() const {
  StreamRecorder other(source_->peek(), file_name_, stream_class_id_, stream_index_, cpu_, {});
  other.time_ = time_;
  other.unreadable_ = unreadable_;
  other.end_ns_ = end_ns_;
  other.packet_ = packet_;
  other.told_discarded_ = told_discarded_;
  other.lost_outside_ = lost_outside_;
  return other;
}

void StreamRecorder::end_file() {
  if (file_) ended_bytes_ += file_->size();
  file_.reset();
  file_number_ = 0;
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
  return lost_by_writers + counts_.lost_disk + counts_.lost_corrupt + source_->corrupt_events() +
         lost_outside_;
}

}  // namespace sillage::collect
