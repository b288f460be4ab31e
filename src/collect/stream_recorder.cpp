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

// What is left of a stream whose memory has gone: where its reader stood.
class Remembered final : public ring::RunSource {
 public:
  Remembered(const ring::ReaderProgress& progress, const ring::StreamLoss& loss)
      : progress_(progress), loss_(loss) {}
  std::optional<ring::Run> next_run(std::span<std::byte> /*buffer*/, bool /*flush*/) override {
    return std::nullopt;
  }
  const ring::StreamLoss& loss() override { return loss_; }
  std::uint64_t lost_by_writers() override { return progress_.lost; }
  [[nodiscard]] std::uint64_t pending_events() const override { return 0; }
  [[nodiscard]] const ring::ReaderProgress* progress() const override { return &progress_; }
  [[nodiscard]] std::uint64_t corrupt_events() const override { return loss_.corrupt_events; }
  [[nodiscard]] std::unique_ptr<RunSource> peek() const override {
    return std::make_unique<Remembered>(*this);
  }

 private:
  ring::ReaderProgress progress_;
  ring::StreamLoss loss_;
};

}  // namespace

void OutputHealth::report(const Status& status, Nanoseconds now) {
  failing_ = !status;
  if (status) return;
  error_ = status.error().text();
  retry_ = {now.value + kRetryNs};
}

Result<StreamProgress> StreamRecorder::resume(const TraceOutput& output) {
  StreamProgress at = ledger_->settled(stream_index_);
  at_ = at.recorder;
  if (output.is_nowhere()) return at;
  if (const StreamProgress* announced = ledger_->announced(stream_index_)) {
    auto found = find_file(announced->recorder, output);
    if (!found) return tl::unexpected(std::move(found).error());
    if (*found && (*found)->packets == announced->recorder.file_packets &&
        (*found)->last.sequence_number + 1 == announced->recorder.packet) {
      at_ = announced->recorder;
      file_ = std::move((*found)->file);
      return *announced;
    }
  }
  auto found = find_file(at_, output);
  if (!found) return tl::unexpected(std::move(found).error());
  // A numbered file that was yet to be made may take the place of an older one.
  const bool is_older = limits_.bytes != 0 && at_.file_packets == 0;
  if (*found && !is_older && (*found)->packets != at_.file_packets)
    return fail(Code::kCorrupt, "file " + name_of_file(at_.file_number) + " has " +
                                    std::to_string((*found)->packets) + " packets where " +
                                    std::to_string(at_.file_packets) +
                                    " were written: it was changed meanwhile");
  if (*found && !is_older) {
    file_ = std::move((*found)->file);
  } else if (at_.file_packets != 0) {
    at_.file_packets = at_.file_number = 0;
  }
  return at;
}

void StreamRecorder::read_from(std::unique_ptr<ring::RunSource> source) {
  source_ = std::move(source);
  note_progress();
}

void StreamRecorder::recount(std::uint64_t written, std::uint64_t unwritten) {
  at_.counts.events = written;
  at_.counts.lost_disk = unwritten;
  note_progress();
}

void StreamRecorder::note_progress() {
  if (ledger_ != nullptr) ledger_->note(stream_index_, progress(at_));
}

void StreamRecorder::record(const ring::Run& run, const RecordScanner& scanner,
                            const TraceOutput& output, OutputHealth& health, Nanoseconds now) {
  at_.packet += run.skipped_subbufs;
  const std::uint64_t limit = has_other_clock_ ? UINT64_MAX : now.value + kClockSlackNs;
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
  if (run.events == 0 && head.events_discarded <= at_.told_discarded) return note_progress();
  write(head, run.bytes, run.events, output, health, now);
}

void StreamRecorder::finish(const TraceOutput& output, OutputHealth& health, Nanoseconds now) {
  ctf::PacketHead head;
  head.events_discarded = discarded(source_->lost_by_writers());
  if (head.events_discarded <= at_.told_discarded) return;
  head.begin = at_.end_ns;
  head.end = has_other_clock_ ? at_.end_ns : std::max(at_.end_ns, now.value);
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
  const std::uint64_t packet_bytes = ctf::packet_bytes(ctf::kPacketHeadBytes + records.size());
  choose_file(packet_bytes);
  RecorderProgress after = at_;
  after.end_ns = head.end;
  after.told_discarded = head.events_discarded;
  ++after.packet;
  ++after.file_packets;
  ++after.counts.packets;
  after.counts.events += events;
  after.counts.bytes += packet_bytes;
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
  if (ledger_ != nullptr) ledger_->settle(stream_index_);
}

void StreamRecorder::note_published(std::uint64_t pending) {
  if (const ring::ReaderProgress* at = source_->progress()) published_ = at->accounted + pending;
}

void StreamRecorder::give_up(std::uint64_t dropped) {
  const ring::ReaderProgress* at = source_->progress();
  if (at == nullptr) return;
  at_.counts.lost_corrupt += std::max(published_, at->accounted) - at->accounted + dropped;
  source_ = std::make_unique<Remembered>(*at, source_->loss());
  note_progress();
}

StreamRecorder StreamRecorder::peek() const {
  StreamRecorder other(source_->peek(), file_name_, stream_class_id_, stream_index_, cpu_, {});
  other.at_ = at_;
  other.at_.counts = {};
  other.at_.file_packets = other.at_.file_number = 0;
  other.lost_outside_ = lost_outside_;
  other.has_other_clock_ = has_other_clock_;
  return other;
}

void StreamRecorder::end_file() {
  file_.reset();
  at_.file_packets = at_.file_number = 0;
  note_progress();
}

std::string StreamRecorder::name_of_file(std::uint32_t number) const {
  return limits_.bytes != 0 ? file_name_ + "_" + std::to_string(number) : file_name_;
}

Result<std::optional<PacketFile::Contents>> StreamRecorder::find_file(
    const RecorderProgress& at, const TraceOutput& output) const {
  return PacketFile::open(output.directory, output.index_directory, name_of_file(at.file_number));
}

// Ends the file if a packet of this size is too much for it.
void StreamRecorder::choose_file(std::uint64_t packet_bytes) {
  if (!file_ || limits_.bytes == 0 || file_->size() == 0 ||
      file_->size() + packet_bytes <= limits_.bytes)
    return;
  const std::uint32_t next = at_.file_number + 1;
  file_.reset();
  at_.file_packets = 0;
  at_.file_number = limits_.count == 0 ? next : next % limits_.count;
}

Status StreamRecorder::open_file(const TraceOutput& output) {
  if (file_) return {};
  const std::string name = name_of_file(at_.file_number);
  auto made = limits_.bytes != 0
                  ? PacketFile::replace(output.directory, output.index_directory, name)
                  : PacketFile::create(output.directory, output.index_directory, name);
  if (!made) return tl::unexpected(std::move(made).error());
  file_ = std::move(*made);
  return {};
}

Status StreamRecorder::try_write(const ctf::PacketHead& head, std::span<const std::byte> records,
                                 const TraceOutput& output) {
  SILLAGE_TRY(open_file(output));
  return file_->write(output.uuid, head, records);
}

std::uint64_t StreamRecorder::discarded(std::uint64_t lost_by_writers) const {
  return lost_by_writers + at_.counts.lost_disk + at_.counts.lost_corrupt +
         source_->corrupt_events() + lost_outside_;
}

}  // namespace sillage::collect
