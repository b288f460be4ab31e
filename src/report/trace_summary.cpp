// SPDX-License-Identifier: MIT
#include "report/trace_summary.hpp"

#include "ctf/scanner.hpp"

#include <algorithm>
#include <span>

namespace sillage::report {
namespace {

constexpr std::size_t kRows = 4096;

// Goes through the packets of one stream.
class StreamWalk {
 public:
  StreamWalk(const ctf::DataStream& stream, std::vector<EventSummary>* events,
             const ctf::DamageReport& on_damage)
      : stream_(stream),
        events_(*events),
        on_damage_(on_damage),
        decoder_(stream.trace().plan),
        scanner_(scan_of(stream), stream.plan(), &decoder_),
        has_clock_(stream.plan().clock != nullptr),
        rows_(kRows) {
    if (has_clock_) clock_ = ctf::ClockTime(*stream.plan().clock);
  }

  StreamSummary walk() {
    StreamSummary summary{.stream = &stream_};
    TimeSpan packets, events;
    for (const ctf::PacketPlace& place : stream_.packets()) {
      ++summary.packets;
      summary.bytes += place.byte_count;
      const auto bytes = place.bytes();
      const bool is_good = decoder_.start_packet(bytes);
      if (place.file->is_broken()) continue;
      if (!is_good) {
        on_damage_(decoder_.error(place.file->path(), place.byte));
        continue;
      }
      const ctf::PacketInfo& head = decoder_.head();
      summary.lost.add(losses_.next(head));
      if (has_clock_ && head.begin) packets.add(clock_.ns(*head.begin));
      if (has_clock_ && head.end && *head.end >= head.begin.value_or(0)) {
        packets.add(clock_.ns(*head.end));
      }
      summary.events += count_events(place, bytes, &events);
      decoder_.finish_packet();
      place.file->forget(place.byte, place.byte_count);
    }
    for (const ctf::PacketPlace& place : stream_.packets()) {
      if (!place.file->is_broken()) continue;
      if (const auto loss = place.file->take_loss()) on_damage_(*loss);
    }
    summary.time = packets.begin_ns ? packets : events;
    return summary;
  }

 private:
  static const ctf::StreamScan& scan_of(const ctf::DataStream& stream) {
    const auto& streams = stream.trace().plan->streams();
    return stream.trace().scans[static_cast<std::size_t>(&stream.plan() - streams.data())];
  }

  std::uint64_t count_events(const ctf::PacketPlace& place, std::span<const std::byte> bytes,
                             TimeSpan* time) {
    scanner_.start(reinterpret_cast<const std::uint8_t*>(bytes.data()));
    std::uint64_t count = 0;
    std::optional<ctf::Row> last;  // whose end is not known yet
    ctf::Scanner::Step step = ctf::Scanner::Step::kMore;
    const auto end_last = [&](std::uint64_t bit) {
      if (last) events_[last->event].bits += bit - last->bit;
    };
    while (step == ctf::Scanner::Step::kMore) {
      std::size_t found = 0;
      step = scanner_.next(rows_, &found);
      for (std::size_t i = 0; i < found; ++i) {
        end_last(rows_[i].bit);
        last = rows_[i];
        ++events_[last->event].count;
      }
      if (has_clock_ && found != 0) {
        time->add(clock_.ns(rows_[0].clock));
        time->add(clock_.ns(rows_[found - 1].clock));
      }
      count += found;
    }
    if (const auto missing = ctf::missing_end(place, decoder_.head())) {
      on_damage_(*missing);
    } else if (step == ctf::Scanner::Step::kFault) {
      on_damage_(decoder_.error(place.file->path(), place.byte));
    }
    end_last(scanner_.byte() * 8);
    return count;
  }

  const ctf::DataStream& stream_;
  std::vector<EventSummary>& events_;  // as StreamPlan::events
  const ctf::DamageReport& on_damage_;
  ctf::Decoder decoder_;
  ctf::Scanner scanner_;
  bool has_clock_;
  ctf::ClockTime clock_;
  LossCounter losses_;
  std::vector<ctf::Row> rows_;
};

}  // namespace

std::vector<std::pair<std::string, EventSummary>> by_count(
    const std::map<std::string, EventSummary>& events) {
  std::vector<std::pair<std::string, EventSummary>> sorted(events.begin(), events.end());
  std::ranges::stable_sort(
      sorted, [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  return sorted;
}

const char* version_text(const ctf::Trace& trace) {
  return trace.plan->model().version == ctf::Version::kCtf18 ? "1.8" : "2";
}

std::vector<TraceSummary> summarize(const ctf::TraceReader& reader,
                                    const ctf::DamageReport& on_damage) {
  std::vector<TraceSummary> summaries;
  for (const auto& trace : reader.traces()) {
    TraceSummary summary{.trace = trace.get()};
    for (const ctf::EventClass& event : trace->plan->model().events) summary.events[event.name];
    for (const ctf::DataStream* stream : reader.streams()) {
      if (&stream->trace() != trace.get()) continue;
      std::vector<EventSummary> events(stream->plan().events.size());
      const StreamSummary one = StreamWalk(*stream, &events, on_damage).walk();
      for (std::size_t i = 0; i < events.size(); ++i) {
        EventSummary& sum = summary.events[stream->plan().events[i].event_class->name];
        sum.count += events[i].count;
        sum.bits += events[i].bits;
      }
      summary.packet_count += one.packets;
      summary.event_count += one.events;
      summary.bytes += one.bytes;
      summary.time.add(one.time);
      summary.lost.add(one.lost);
      summary.streams.push_back(one);
    }
    summaries.push_back(std::move(summary));
  }
  return summaries;
}

}  // namespace sillage::report
