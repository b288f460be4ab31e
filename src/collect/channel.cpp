// SPDX-License-Identifier: MIT
#include "collect/channel.hpp"

#include "collect/stream_snapshot.hpp"

#include <algorithm>
#include <utility>

namespace sillage::collect {

Channel::Channel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class, Shape shape)
    : trace_(std::move(trace)), stream_class_(std::move(stream_class)), shape_(shape) {
  if (shape_.files.switch_period.value != 0) switch_due_ = {};
}

void Channel::add_stream(std::unique_ptr<ring::RunSource> source, const std::string& name,
                         std::uint32_t index, std::uint32_t cpu) {
  recorders_.emplace_back(std::move(source), name + "_" + std::to_string(index),
                          static_cast<std::uint32_t>(stream_class_.id), index, cpu,
                          shape_.files.limits);
}

Result<EventId> Channel::add_event(ctf::EventClass event) {
  const std::lock_guard declaring(declaring_);
  event.id = next_event_;
  event.stream_class_id = stream_class_.id;
  SILLAGE_TRY(prepare(event));
  SILLAGE_TRY(trace_->add_event(event));
  declared();
  return EventId{next_event_++};
}

Status Channel::resume_event(ctf::EventClass event) {
  const std::lock_guard declaring(declaring_);
  event.id = next_event_;
  event.stream_class_id = stream_class_.id;
  SILLAGE_TRY(prepare(event));
  declared();
  ++next_event_;
  return {};
}

bool Channel::drain(std::vector<std::byte>& buffer, std::optional<Nanoseconds> flush_until,
                    const ClockKeeper& clock, OutputHealth& health) {
  if (has_given_up_) return false;
  if (buffer.size() < shape_.subbuf_bytes) buffer.resize(shape_.subbuf_bytes);
  const TraceOutput output = trace_->output();
  tell_nested_lost();
  bool worked = false;
  for (StreamRecorder& recorder : recorders_) {
    // Writers that go on fill a ring at most once while it is read: not a bound of time for one
    // that lies.
    for (std::uint64_t runs = 2 * shape_.subbuf_count; runs > 0; --runs) {
      const auto run = recorder.next_run(buffer, flush_until.has_value());
      if (is_gone()) {
        give_up(&recorder, run ? run->events : 0, health);
        return worked;
      }
      if (!run) break;
      worked = true;
      record(recorder, *run, output, health, clock.now());
      // What follows was published later.
      if (flush_until && *flush_until != kNever &&
          (!run->closed || run->end_ns >= flush_until->value))
        break;
    }
  }
  return worked;
}

void Channel::give_up(const StreamRecorder* reading, std::uint64_t dropped, OutputHealth& health) {
  has_given_up_ = true;
  std::uint64_t before = 0, after = 0;
  for (StreamRecorder& recorder : recorders_) {
    before += recorder.counts().lost_corrupt;
    recorder.give_up(&recorder == reading ? dropped : 0);
    after += recorder.counts().lost_corrupt;
  }
  health.report_input(
      "the file of a buffer of " + trace_->directory() +
      " was made shorter by another program, or its disk fails: at least " +
      std::to_string(after - before) +
      " events of it are lost, and this channel records no more; look at who can write "
      "below --shm-path, and create the session again");
}

bool Channel::drain_on_time(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                            OutputHealth& health) {
  const Nanoseconds now = clock.now();
  const bool is_due = now >= switch_due_;
  if (is_due) switch_due_ = {now.value + shape_.files.switch_period.value};
  const bool worked = drain(buffer, is_due ? std::optional(now) : std::nullopt, clock, health);
  if (now >= reclaim_due_) {
    reclaim_due_ = {now.value + std::max(reclaim_age_.value / 2, kReclaimPeriod.value)};
    // What cannot be given back stays where it is, as without being asked to.
    (void)reclaim_memory(reclaim_age_, clock);
  }
  return worked;
}

void Channel::reclaim_on_time(Nanoseconds older_than) {
  reclaim_age_ = older_than;
  reclaim_due_ = {};
}

Result<ring::Reclaimed> Channel::reclaim_memory(Nanoseconds older_than, const ClockKeeper& clock) {
  // Of another clock nobody knows how old something is: all of any age, or none of a certain one.
  if (trace_->other_clock_value() && older_than.value != 0) return ring::Reclaimed{};
  const std::uint64_t now = clock.now().value;
  const Nanoseconds before =
      older_than.value == 0 ? kNever : Nanoseconds{now - std::min(now, older_than.value)};
  ring::Reclaimed sum;
  Status done;
  for (StreamRecorder& recorder : recorders_) {
    const auto reclaimed = recorder.reclaim_memory(before);
    if (reclaimed) {
      sum.add(*reclaimed);
    } else {
      done = tl::unexpected(reclaimed.error());
    }
  }
  if (!done) return tl::unexpected(std::move(done).error());
  return sum;
}

void Channel::read_published(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                             OutputHealth& health) {
  if (!is_in_memory()) health.retry_now();
  drain(buffer, clock.now(), clock, health);
}

void Channel::end_files() {
  for (StreamRecorder& recorder : recorders_) recorder.end_file();
}

std::uint64_t Channel::snapshot_packet_bytes() const {
  const auto used =
      std::count_if(recorders_.begin(), recorders_.end(),
                    [](const StreamRecorder& each) { return each.pending_events() != 0; });
  return static_cast<std::uint64_t>(used) *
         ctf::packet_bytes(ctf::kPacketHeadBytes + shape_.subbuf_bytes);
}

void Channel::write_snapshot(const SnapshotExtent& extent, const TraceOutput& output,
                             std::vector<std::byte>& memory, const ClockKeeper& clock,
                             OutputHealth& health, Stats& stats) {
  const std::uint64_t wanted = (shape_.subbuf_count + 1) * shape_.subbuf_bytes;
  if (memory.size() < wanted) memory.resize(wanted);
  tell_nested_lost();
  for (const StreamRecorder& recorder : recorders_) {
    StreamRecorder stream = recorder.peek();
    const auto runs =
        take_snapshot(stream, extent.until, extent.max_packets, shape_.subbuf_bytes, memory);
    if (is_gone()) return give_up(nullptr, 0, health);
    for (const ring::Run& run : runs) record(stream, run, output, health, clock.now());
    stats.events += stream.counts().events;
    stats.packets += stream.counts().packets;
    stats.bytes += stream.counts().bytes;
  }
}

void Channel::read_out(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                       OutputHealth& health) {
  drain(buffer, kNever, clock, health);
}

void Channel::flush(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                    OutputHealth& health) {
  if (is_in_memory()) return;
  health.retry_now();
  read_out(buffer, clock, health);
  tell_nested_lost();
  for (StreamRecorder& recorder : recorders_)
    recorder.finish(trace_->output(), health, clock.now());
}

void Channel::finish(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                     OutputHealth& health) {
  if (!is_in_memory()) {
    health.retry_now();
    read_out(buffer, clock, health);
    abandon_rest();
    tell_nested_lost();
    for (StreamRecorder& recorder : recorders_)
      recorder.finish(trace_->output(), health, clock.now());
  }
  give_back_memory();
}

void Channel::set_nested_lost(std::uint64_t events) {
  std::uint64_t before = nested_lost_.load(std::memory_order_relaxed);
  while (before < events &&
         !nested_lost_.compare_exchange_weak(before, events, std::memory_order_relaxed)) {
  }
}

void Channel::tell_nested_lost() {
  if (!recorders_.empty())
    recorders_.front().set_lost_outside(nested_lost_.load(std::memory_order_relaxed));
}

ChannelStats Channel::counted() const {
  return {discarded_events_.load(std::memory_order_relaxed),
          lost_packets_.load(std::memory_order_relaxed),
          sent_events_.load(std::memory_order_relaxed),
          rejected_events_.load(std::memory_order_relaxed)};
}

void Channel::count(Stats& stats, OutputHealth& health) {
  // What is read here may be what finds the memory gone.
  for (StreamRecorder& recorder : recorders_) {
    if (has_given_up_) break;
    const std::uint64_t pending = recorder.pending_events();
    if (is_gone()) {
      give_up(nullptr, 0, health);
    } else {
      recorder.note_published(pending);
    }
  }
  Stats own;
  own.lost.nested = nested_lost_.load(std::memory_order_relaxed);
  for (StreamRecorder& recorder : recorders_) {
    const RecorderCounts& counts = recorder.counts();
    own.events += counts.events;
    own.packets += counts.packets;
    own.bytes += counts.bytes;
    own.pending += recorder.pending_events();
    const ring::StreamLoss& loss = recorder.ring_loss();
    for (std::uint32_t cause = 0; cause < loss.by_writers.size(); ++cause) {
      const std::uint64_t events = loss.by_writers[cause];
      switch (cause) {
        case SILLAGE_LOST_FULL: own.lost.full += events; break;
        case SILLAGE_LOST_TOO_BIG: own.lost.too_big += events; break;
        case SILLAGE_LOST_BUSY: own.lost.busy += events; break;
        case SILLAGE_LOST_TIMEOUT: own.lost.timeout += events; break;
        default: own.lost.other += events; break;
      }
    }
    own.rejected += loss.rejected;
    own.lost.overrun += loss.overrun_events;
    own.lost.corrupt += loss.corrupt_events + counts.lost_corrupt;
    own.lost.disk += counts.lost_disk;
    own.overrun_packets += loss.overrun_subbufs;
    own.corrupt_packets += loss.corrupt_subbufs + counts.cut_packets;
  }
  stats.add(own);
  stats.pending += own.pending;
  discarded_events_.store(own.lost.total() - own.lost.overrun, std::memory_order_relaxed);
  lost_packets_.store(own.overrun_packets, std::memory_order_relaxed);
  sent_events_.store(own.events + own.pending + own.lost.total(), std::memory_order_relaxed);
  rejected_events_.store(own.rejected, std::memory_order_relaxed);
}

}  // namespace sillage::collect
