// SPDX-License-Identifier: MIT
#include "ctf/data_stream.hpp"

#include <algorithm>
#include <utility>

namespace sillage::ctf {
namespace {
/// What is read is given back in pieces of this many bytes: small packets do not cost a call each.
constexpr std::uint64_t kForgetBytes = 256u << 10;
/// Bytes that stay behind the last batch: other threads may still print from there, and would bring
/// them back for good.
constexpr std::uint64_t kKeptBytes = 512u << 10;
/// Rows of a batch: 24 KiB of them, so that those of a few streams stay in the first-level cache.
constexpr std::size_t kBatchRows = 1024;
}  // namespace

const EnvironmentValue* Trace::environment(std::string_view entry) const {
  for (const EnvironmentEntry& candidate : plan->model().trace.environment) {
    if (candidate.name == entry) return &candidate.value;
  }
  return nullptr;
}

DataStream::DataStream(std::shared_ptr<const Source> source, const StreamPlan* plan,
                       DamageReport damage, DiscardedReport discarded)
    : source_(std::move(source)),
      plan_(plan),
      damage_(std::move(damage)),
      discarded_(std::move(discarded)),
      decoder_(source_->trace->plan),
      scanner_(source_->trace
                   ->scans[static_cast<std::size_t>(plan - source_->trace->plan->streams().data())],
               *plan, &decoder_),
      has_time_(plan->clock != nullptr),
      last_packet_(source_->packets.size()),
      rows_(kBatchRows),
      reader_(source_->trace->plan) {
  if (has_time_) clock_ = ClockTime(*plan->clock, source_->clock_offset_ns);
}

void DataStream::restrict(const TimeRange& range) {
  if (range.begin_ns && (!range_.begin_ns || *range.begin_ns > *range_.begin_ns)) {
    range_.begin_ns = range.begin_ns;
  }
  if (range.end_ns && (!range_.end_ns || *range.end_ns < *range_.end_ns)) {
    range_.end_ns = range.end_ns;
  }
}

std::optional<std::int64_t> DataStream::begin_ns() const {
  if (!has_time_ || source_->packets.empty() || !source_->packets.front().begin)
    return std::nullopt;
  return clock_.ns(*source_->packets.front().begin);
}

std::optional<std::int64_t> DataStream::end_ns() {
  if (!has_time_ || source_->packets.empty()) return std::nullopt;
  const PacketPlace& last = source_->packets.back();
  if (!last.begin || !last.end) return std::nullopt;
  if (*last.end >= *last.begin) return clock_.ns(*last.end);
  // lttng-crash leaves an end of 0 in the packets that were being written: the last event is it.
  Decoder decoder(source_->trace->plan);
  std::uint64_t end = *last.begin;
  if (decoder.start_packet(last.bytes())) {
    while (decoder.next_event() == Decoder::Step::kEvent) end = decoder.event().clock;
  }
  return clock_.ns(end);
}

void DataStream::report_discarded(const PacketInfo& info) {
  const auto report = [&](Discarded::What what, std::optional<std::uint64_t> count,
                          std::optional<std::uint64_t> begin, std::optional<std::uint64_t> end) {
    Discarded discarded{.what = what, .count = count, .begin_ns = {}, .end_ns = {}, .stream = this};
    if (has_time_ && begin && end) {
      discarded.begin_ns = clock_.ns(*begin);
      discarded.end_ns = clock_.ns(*end);
      if (range_.begin_ns && *discarded.end_ns < *range_.begin_ns) return;
      if (range_.end_ns && *discarded.begin_ns > *range_.end_ns) return;
    }
    discarded_(discarded);
  };
  if (info.discarded_events) {
    if (!last_discarded_) {
      if (*info.discarded_events != 0) {
        report(Discarded::What::kEvents, std::nullopt, info.begin, info.end);
      }
    } else if (*info.discarded_events > *last_discarded_) {
      report(Discarded::What::kEvents, *info.discarded_events - *last_discarded_, last_end_,
             info.end);
    }
  }
  // A first number that is not 0 is no loss: a snapshot starts in the middle.
  if (info.sequence_number && last_sequence_ && *info.sequence_number > *last_sequence_ + 1) {
    report(Discarded::What::kPackets, *info.sequence_number - *last_sequence_ - 1, last_end_,
           info.begin);
  }
  last_discarded_ = info.discarded_events;
  last_sequence_ = info.sequence_number;
  last_end_ = info.end;
}

// Some tracers write events behind the end of their packet, others in front of its begin: the packets
// around it say when they can be at the earliest and latest (docs/formats/reading.md).
std::optional<std::int64_t> DataStream::earliest_ns(std::size_t packet) const {
  if (packet == 0) return std::nullopt;
  const PacketPlace& place = source_->packets[packet - 1];
  if (!place.begin || !place.end || *place.end < *place.begin) return std::nullopt;
  return clock_.ns(*place.end);
}
std::optional<std::int64_t> DataStream::latest_ns(std::size_t packet) const {
  if (packet + 1 == source_->packets.size() || !source_->packets[packet + 1].begin) {
    return std::nullopt;
  }
  return clock_.ns(*source_->packets[packet + 1].begin);
}

// Passes packets in front of the range without looking at their bytes.
void DataStream::skip_to_range() {
  if (!has_time_ || !range_.begin_ns) return;
  const std::size_t first = packet_;
  while (packet_ != last_packet_) {
    const PacketPlace& place = source_->packets[packet_];
    if (!place.begin || !place.end || *place.end < *place.begin ||
        clock_.ns(*place.end) >= *range_.begin_ns) {
      break;
    }
    const std::optional<std::int64_t> latest = latest_ns(packet_);
    if (!latest || *latest >= *range_.begin_ns) break;
    ++packet_;
  }
  if (packet_ != first) prime();
}

// Opens the next packet that may hold events of the range; false if there is none.
bool DataStream::open_packet() {
  skip_to_range();
  while (packet_ != last_packet_) {
    const PacketPlace& place = source_->packets[packet_++];
    packet_bytes_ = place.bytes();
    const bool is_good = decoder_.start_packet(packet_bytes_);
    if (lost_file()) continue;
    if (!is_good) {
      damage_(decoder_.error(place.file->path(), place.byte));
      continue;
    }
    const PacketInfo& info = decoder_.head();
    report_discarded(info);
    if (has_time_ && range_.end_ns && info.begin && clock_.ns(*info.begin) > *range_.end_ns) {
      const std::optional<std::int64_t> earliest = earliest_ns(packet_ - 1);
      if (earliest && *earliest > *range_.end_ns) {
        packet_ = last_packet_;
        return false;
      }
    }
    scanner_.start(reinterpret_cast<const std::uint8_t*>(packet_bytes_.data()));
    step_ = Scanner::Step::kMore;
    in_packet_ = true;
    return true;
  }
  // What was printed of rows, and the last page, nobody has looked after.
  for (const auto& file : source_->files) {
    if (const auto loss = file->take_loss()) damage_(*loss);
  }
  return false;
}

// The current packet's file became shorter: says so once, and leaves the rest of it out.
bool DataStream::lost_file() {
  const StreamFile& file = *source_->packets[packet_ - 1].file;
  if (!file.is_broken()) return false;
  in_packet_ = false;
  row_count_ = 0;
  if (const auto loss = file.take_loss()) damage_(*loss);
  return true;
}

void DataStream::close_packet(Scanner::Step last) {
  in_packet_ = false;
  const PacketPlace& place = source_->packets[packet_ - 1];
  // A cut packet ends inside a record: one report is enough.
  if (const auto missing = missing_end(place, decoder_.head())) {
    damage_(*missing);
  } else if (last == Scanner::Step::kFault) {
    damage_(decoder_.error(place.file->path(), place.byte));
  }
  decoder_.finish_packet();
  forget(place.byte + place.byte_count);
}

// Gives back what is in front of a byte of the current packet's file.
void DataStream::forget(std::uint64_t end) {
  if (forgotten_ > end) forgotten_ = 0;  // another file
  if (end - forgotten_ < kForgetBytes + kKeptBytes) return;
  source_->packets[packet_ - 1].file->forget(forgotten_, end - kKeptBytes - forgotten_);
  forgotten_ = end - kKeptBytes;
}

// Leaves out rows outside the range; behind its end nothing is looked for.
void DataStream::keep_range() {
  if (!has_time_ || (!range_.begin_ns && !range_.end_ns)) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < row_count_; ++i) {
    const std::int64_t ns = clock_.ns(rows_[i].clock);
    if (range_.begin_ns && ns < *range_.begin_ns) continue;
    if (range_.end_ns && ns > *range_.end_ns) {
      in_packet_ = false;
      packet_ = last_packet_;
      break;
    }
    rows_[kept++] = rows_[i];
  }
  row_count_ = kept;
}

// Finds the next batch of rows; false if there are none left.
bool DataStream::fill() {
  row_ = row_count_ = 0;
  while (true) {
    if (in_packet_ && step_ != Scanner::Step::kMore) close_packet(step_);
    if (!in_packet_ && !open_packet()) return false;
    const PacketPlace& place = source_->packets[packet_ - 1];
    forget(place.byte + scanner_.byte());
    step_ = scanner_.next(rows_, &row_count_);
    if (lost_file()) continue;
    keep_range();
    if (row_count_ != 0) return true;
  }
}

bool DataStream::next() {
  is_decoded_ = false;
  if (++row_ >= row_count_ && !fill()) return false;
  if (has_time_) ns_ = clock_.ns(rows_[row_].clock);
  return true;
}

void DataStream::decode() const {
  event_ = &reader_.read(packet_bytes_, rows_[row_]);
  is_decoded_ = true;
}

std::vector<std::pair<std::size_t, std::size_t>> DataStream::split(std::uint64_t bytes) const {
  const std::vector<PacketPlace>& packets = source_->packets;
  // Timestamps go on from those in front of them: the packets' own must be known.
  const bool can_split = !has_time_ || std::ranges::all_of(packets, [](const PacketPlace& packet) {
    return packet.begin.has_value();
  });
  std::vector<std::pair<std::size_t, std::size_t>> parts;
  std::size_t first = 0;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    sum += packets[i].byte_count;
    if (i + 1 != packets.size() && (sum < bytes || !can_split)) continue;
    parts.emplace_back(first, i + 1);
    first = i + 1;
    sum = 0;
  }
  return parts;
}

std::unique_ptr<DataStream> DataStream::part(std::pair<std::size_t, std::size_t> packets) const {
  auto part = copy(damage_, discarded_);
  part->packet_ = packets.first;
  part->last_packet_ = packets.second;
  part->prime();
  return part;
}

std::unique_ptr<DataStream> DataStream::copy(DamageReport damage, DiscardedReport discarded) const {
  auto copy = std::make_unique<DataStream>(source_, plan_, std::move(damage), std::move(discarded));
  copy->range_ = range_;
  copy->scanner_.select(scanner_.wanted());
  return copy;
}

// Learns from the packet in front what was lost up to it, and the time.
void DataStream::prime() {
  if (packet_ == 0) return;
  const PacketPlace& place = source_->packets[packet_ - 1];
  if (!decoder_.start_packet(place.bytes())) return;
  last_discarded_ = decoder_.head().discarded_events;
  last_sequence_ = decoder_.head().sequence_number;
  last_end_ = place.end;
  decoder_.set_clock(std::max(place.begin.value_or(0), place.end.value_or(0)));
}

void DataStream::select(std::vector<std::uint8_t> wanted) { scanner_.select(std::move(wanted)); }

void DataStream::count(std::span<std::uint64_t> counts) {
  while (true) {
    if (in_packet_ && step_ != Scanner::Step::kMore) close_packet(step_);
    if (!in_packet_ && !open_packet()) return;
    // Whether a packet's events are in the range only they can tell: its head may be wrong.
    if (!has_time_ || (!range_.begin_ns && !range_.end_ns)) {
      step_ = scanner_.count(counts);
      static_cast<void>(lost_file());
      continue;
    }
    step_ = scanner_.next(rows_, &row_count_);
    if (lost_file()) continue;
    keep_range();
    for (std::size_t i = 0; i < row_count_; ++i) ++counts[rows_[i].event];
  }
}

}  // namespace sillage::ctf
