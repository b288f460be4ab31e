// SPDX-License-Identifier: MIT
#include "collect/channel.hpp"

namespace sillage::collect {

Channel::Channel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class,
                 ring::Ring ring, const std::string& name)
    : trace_(std::move(trace)), stream_class_(std::move(stream_class)), ring_(std::move(ring)) {
  const ring::RingGeometry& geometry = ring_.geometry();
  recorders_.reserve(geometry.stream_count);
  for (std::uint32_t i = 0; i < geometry.stream_count; ++i)
    recorders_.emplace_back(ring_.reader(i), name + "_" + std::to_string(i),
                            static_cast<std::uint32_t>(stream_class_.id), i,
                            i % geometry.index_count);
}

Result<EventId> Channel::add_event(ctf::EventClass event) {
  auto shape =
      RecordShape::compile(stream_class_.common_context, event.specific_context, event.payload);
  if (!shape) return tl::unexpected(std::move(shape).error());
  const std::lock_guard declaring(declaring_);
  event.id = next_event_;
  event.stream_class_id = stream_class_.id;
  SILLAGE_TRY(trace_->add_event(event));
  const std::lock_guard lock(shapes_);
  new_shapes_.push_back(std::move(*shape));
  return EventId{next_event_++};
}

bool Channel::drain(std::vector<std::byte>& buffer, bool flush, const ClockKeeper& clock,
                    OutputHealth& health) {
  const ring::RingGeometry& geometry = ring_.geometry();
  if (buffer.size() < geometry.subbuf_bytes) buffer.resize(geometry.subbuf_bytes);
  const TraceOutput output = trace_->output();
  bool worked = false;
  for (StreamRecorder& recorder : recorders_) {
    // Writers that go on fill a ring at most once while it is read: not a bound of time for one
    // that lies.
    for (std::uint64_t runs = 2 * std::uint64_t{geometry.subbuf_count}; runs > 0; --runs) {
      const auto run = recorder.next_run(buffer, flush);
      if (!run) break;
      worked = true;
      // Behind the reading: an id in what was read was given out before, so its shape is there by
      // now.
      absorb_shapes();
      recorder.record(*run, scanner_, output, health, clock.now());
    }
  }
  return worked;
}

void Channel::finish(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                     OutputHealth& health) {
  health.retry_now();
  drain(buffer, true, clock, health);
  for (StreamRecorder& recorder : recorders_)
    recorder.finish(trace_->output(), health, clock.now());
  // Not done on failure: the memory is given back when the last program lets go of it.
  (void)ring_.discard_memory();
}

void Channel::count(Stats& stats) {
  for (StreamRecorder& recorder : recorders_) {
    const RecorderCounts& counts = recorder.counts();
    stats.events += counts.events;
    stats.packets += counts.packets;
    stats.bytes += counts.bytes;
    stats.pending += recorder.pending_events();
    const ring::StreamLoss& loss = recorder.ring_loss();
    for (std::uint32_t cause = 0; cause < loss.by_writers.size(); ++cause) {
      const std::uint64_t events = loss.by_writers[cause];
      switch (cause) {
        case SILLAGE_LOST_FULL: stats.lost.full += events; break;
        case SILLAGE_LOST_TOO_BIG: stats.lost.too_big += events; break;
        case SILLAGE_LOST_BUSY: stats.lost.busy += events; break;
        case SILLAGE_LOST_TIMEOUT: stats.lost.timeout += events; break;
        default: stats.lost.other += events; break;
      }
    }
    stats.lost.overrun += loss.overrun_events;
    stats.lost.corrupt += loss.corrupt_events + counts.lost_corrupt;
    stats.lost.disk += counts.lost_disk;
    stats.overrun_packets += loss.overrun_subbufs;
    stats.corrupt_packets += loss.corrupt_subbufs + counts.cut_packets;
  }
}

void Channel::absorb_shapes() {
  const std::lock_guard lock(shapes_);
  for (RecordShape& shape : new_shapes_) scanner_.add(std::move(shape));
  new_shapes_.clear();
}

}  // namespace sillage::collect
