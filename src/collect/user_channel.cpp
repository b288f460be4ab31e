// SPDX-License-Identifier: MIT
#include "collect/user_channel.hpp"

#include <algorithm>
#include <utility>

namespace sillage::collect {

UserChannel::UserChannel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class,
                         ring::Ring ring, const std::string& name, bool read_at_end,
                         const FileOptions& files, Keep keep)
    : Channel(std::move(trace), std::move(stream_class),
              {ring.geometry().subbuf_bytes, ring.geometry().subbuf_count, read_at_end, files}),
      ring_(std::move(ring)),
      name_(name),
      keep_(std::move(keep)) {
  const ring::RingGeometry& geometry = ring_.geometry();
  for (std::uint32_t i = 0; i < geometry.stream_count; ++i)
    add_stream(std::make_unique<ring::StreamReader>(ring_.reader(i)), name, i,
               geometry.index_count == 0 ? i : i % geometry.index_count);
  if (this->trace()->other_clock_value())
    for (StreamRecorder& recorder : recorders()) recorder.set_other_clock();
  if (keep_.ledger)
    for (StreamRecorder& recorder : recorders()) recorder.keep_ledger(&*keep_.ledger);
}

void UserChannel::note_start() {
  for (StreamRecorder& recorder : recorders()) recorder.note_progress();
}

Status UserChannel::resume() {
  for (std::uint32_t i = 0; i < recorders().size(); ++i) {
    StreamRecorder& recorder = recorders()[i];
    const auto progress = recorder.resume(output());
    if (!progress) return tl::unexpected(progress.error());
    recorder.read_from(std::make_unique<ring::StreamReader>(ring_.reader(i, progress->reader)));
  }
  return {};
}

void UserChannel::arm(std::vector<Doorbell>& doorbells) {
  if (!has_given_up()) doorbells.push_back({ring_.doorbell(), ring_.arm()});
}

void UserChannel::release_locks(std::uint32_t registration) {
  (void)ring_.release_locks(registration);
}

// A CPU's first stream and those that its threads try when that is taken.
std::vector<StreamMemory> UserChannel::memory() const {
  const ring::RingGeometry& geometry = ring_.geometry();
  const std::uint32_t count = std::max(geometry.index_count, 1u);
  std::vector<StreamMemory> memory(count);
  for (std::uint32_t i = 0; i < geometry.stream_count; ++i) {
    StreamMemory& one = memory[i % count];
    if (geometry.index_count != 0) one.cpu = i % count;
    one.bytes += ring_.resident_bytes(i);
    one.max_bytes += geometry.data_stride;
  }
  return memory;
}

Status UserChannel::prepare(const ctf::EventClass& event) {
  auto shape =
      RecordShape::compile(stream_class().common_context, event.specific_context, event.payload);
  if (!shape) return tl::unexpected(std::move(shape).error());
  prepared_ = std::move(*shape);
  return {};
}

void UserChannel::declared() {
  const std::lock_guard lock(shapes_);
  new_shapes_.push_back(std::move(prepared_));
}

void UserChannel::record(StreamRecorder& recorder, const ring::Run& run, const TraceOutput& output,
                         OutputHealth& health, Nanoseconds now) {
  // Behind the reading: an id in what was read was given out before, so its shape is there by now.
  absorb_shapes();
  recorder.record(run, scanner_, output, health, now);
}

void UserChannel::give_back_memory() {
  // Not done on failure: the memory is given back when the last program lets go of it.
  (void)ring_.discard_memory();
  if (keep_.has_files) trace()->buffers()->remove(stream_class_id(), name_);
  if (!keep_.ended) return;
  Stats stats;
  OutputHealth ignored;
  count(stats, ignored);
  keep_.ended(stats);
}

void UserChannel::absorb_shapes() {
  const std::lock_guard lock(shapes_);
  for (RecordShape& shape : new_shapes_) scanner_.add(std::move(shape));
  new_shapes_.clear();
}

}  // namespace sillage::collect
