// SPDX-License-Identifier: MIT
#include "ctf/data_stream.hpp"

#include <algorithm>
#include <utility>

namespace sillage::ctf {
namespace {
/// What is read is given back in pieces of this many bytes: small packets do not cost a call each.
constexpr std::uint64_t kForgetBytes = 1u << 20;
}  // namespace

const EnvironmentValue* Trace::environment(std::string_view entry) const {
  for (const EnvironmentEntry& candidate : plan->model().trace.environment) {
    if (candidate.name == entry) return &candidate.value;
  }
  return nullptr;
}

DataStream::DataStream(Source source, const StreamPlan* plan, DamageReport damage,
                       DiscardedReport discarded)
    : source_(std::move(source)),
      plan_(plan),
      damage_(std::move(damage)),
      discarded_(std::move(discarded)),
      decoder_(source_.trace->plan),
      has_time_(plan->clock != nullptr) {
  if (has_time_) clock_ = ClockTime(*plan->clock, source_.clock_offset_ns);
}

std::span<const std::byte> DataStream::bytes_of(const PacketPlace& place) const {
  return place.file->bytes().subspan(place.byte);
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
  if (!has_time_ || source_.packets.empty() || !source_.packets.front().begin) return std::nullopt;
  return clock_.ns(*source_.packets.front().begin);
}

std::optional<std::int64_t> DataStream::end_ns() {
  if (!has_time_ || source_.packets.empty()) return std::nullopt;
  const PacketPlace& last = source_.packets.back();
  if (!last.begin || !last.end) return std::nullopt;
  if (*last.end >= *last.begin) return clock_.ns(*last.end);
  // lttng-crash leaves an end of 0 in the packets that were being written: the last event is it.
  Decoder decoder(source_.trace->plan);
  std::uint64_t end = *last.begin;
  if (decoder.start_packet(bytes_of(last))) {
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

// Opens the next packet that may hold events of the range; false if there is none.
bool DataStream::open_packet() {
  while (packet_ != source_.packets.size()) {
    const PacketPlace& place = source_.packets[packet_++];
    if (!decoder_.start_packet(bytes_of(place))) {
      damage_(decoder_.error(place.file->path(), place.byte));
      continue;
    }
    const PacketInfo& info = decoder_.head();
    report_discarded(info);
    if (has_time_ && range_.end_ns && info.begin && clock_.ns(*info.begin) > *range_.end_ns) {
      packet_ = source_.packets.size();
      return false;
    }
    if (has_time_ && range_.begin_ns && info.begin && info.end && *info.end >= *info.begin &&
        clock_.ns(*info.end) < *range_.begin_ns) {
      decoder_.finish_packet();
      continue;
    }
    in_packet_ = true;
    return true;
  }
  return false;
}

void DataStream::close_packet() {
  in_packet_ = false;
  const PacketPlace& place = source_.packets[packet_ - 1];
  if (decoder_.head().is_cut) {
    damage_({Code::kCorrupt, "the packet ends behind the end of the file: the rest of it is missing",
             place.file->path() + "@" + std::to_string(place.byte)});
  }
  decoder_.finish_packet();
  const std::uint64_t end = place.byte + place.byte_count;
  if (forgotten_ > end) forgotten_ = 0;  // another file
  if (end - forgotten_ >= kForgetBytes) {
    place.file->forget(forgotten_, end - forgotten_);
    forgotten_ = end;
  }
}

bool DataStream::next() {
  while (in_packet_ || open_packet()) {
    switch (decoder_.next_event()) {
      case Decoder::Step::kEvent: break;
      case Decoder::Step::kFault: {
        const PacketPlace& place = source_.packets[packet_ - 1];
        // A cut packet ends inside a record: one report is enough.
        if (!decoder_.head().is_cut) damage_(decoder_.error(place.file->path(), place.byte));
        close_packet();
        continue;
      }
      case Decoder::Step::kEnd: close_packet(); continue;
    }
    if (!has_time_) return true;
    ns_ = clock_.ns(decoder_.event().clock);
    if (range_.begin_ns && ns_ < *range_.begin_ns) continue;
    if (range_.end_ns && ns_ > *range_.end_ns) {
      in_packet_ = false;
      packet_ = source_.packets.size();
      return false;
    }
    return true;
  }
  return false;
}

}  // namespace sillage::ctf
