// SPDX-License-Identifier: MIT
#include "ring/kernel_stream_reader.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

namespace sillage::ring {
namespace {

constexpr std::uint64_t kCountMask = (UINT64_C(1) << (64 - SILLAGE_RING_POSITION_BITS)) - 1;
// Looks in one call: where writers overrun the reader, each skips one sub-buffer more than the last.
constexpr std::uint64_t kMaxLooks = 8;

}  // namespace

KernelStreamReader::KernelStreamReader(KernelStream stream)
    : stream_(stream),
      sequence_(stream.shared().consumed / stream.geometry().subbuf_bytes),
      accounted_(stream.shared().consumed_events) {
  const KernelStream::Missing missing = stream_.missing();
  loss_.overrun_events = missing.overrun_events;
  loss_.overrun_subbufs = missing.overrun_subbufs;
  loss_.corrupt_events = missing.corrupt_events;
  loss_.corrupt_subbufs = missing.corrupt_subbufs;
  unwritten_ = missing.unwritten_events;
}

std::unique_ptr<RunSource> KernelStreamReader::peek() const {
  auto other = std::make_unique<KernelStreamReader>(*this);
  other->peeks_ = true;
  return other;
}

void KernelStreamReader::release() {
  if (peeks_) return;
  stream_.release(sequence_, accounted_,
                  {loss_.overrun_events, loss_.overrun_subbufs, loss_.corrupt_events,
                   loss_.corrupt_subbufs, unwritten_});
}

void KernelStreamReader::skip_written(std::uint64_t end_ns) {
  while (stream_.bytes_from(sequence_, stream_.position()) < ring_bytes() &&
         stream_.is_closed(sequence_)) {
    const KernelStream::Entry entry = stream_.copy_entry(sequence_);
    if (entry.end_ns > end_ns) break;
    const std::uint64_t events =
        ((entry.end_position >> SILLAGE_RING_POSITION_BITS) - entry.events) & kCountMask;
    (stream_.geometry().overwrite ? loss_.overrun_events : loss_.corrupt_events) +=
        entry.events - accounted_;
    accounted_ = entry.events + events;
    ++sequence_;
    release();
  }
}

std::uint64_t KernelStreamReader::ring_bytes() const {
  return stream_.geometry().subbuf_bytes * stream_.geometry().subbuf_count;
}

std::optional<Run> KernelStreamReader::next_run(std::span<std::byte> buffer, bool flush) {
  if (std::exchange(lent_, false)) release();
  const std::uint64_t subbuf_bytes = stream_.geometry().subbuf_bytes;
  for (std::uint64_t look = 0; look < kMaxLooks; ++look) {
    const std::uint64_t now = stream_.position();
    const std::uint64_t ahead = stream_.bytes_from(sequence_, now);
    if (ahead < subbuf_bytes) {
      if (!flush || ahead == 0 || !stream_.begin_next(sequence_, now)) return std::nullopt;
    } else if (ahead >= ring_bytes()) {
      const std::uint64_t current = sequence_ + ahead / subbuf_bytes;
      const std::uint64_t oldest = current - (stream_.geometry().subbuf_count - 1);
      skip_to(std::min(oldest + look, current));
    } else if (stream_.is_closed(sequence_)) {
      if (auto run = read_closed(buffer)) return run;
    } else if (stream_.bytes_from(sequence_, stream_.position()) < ring_bytes()) {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

// Nothing if it was overwritten meanwhile, or cannot be: then it is behind us.
std::optional<Run> KernelStreamReader::read_closed(std::span<std::byte> buffer) {
  const KernelRingGeometry& geometry = stream_.geometry();
  const KernelStream::Entry entry = stream_.copy_entry(sequence_);
  const std::uint64_t bytes = stream_.bytes_from(sequence_, entry.end_position);
  const std::uint64_t events =
      ((entry.end_position >> SILLAGE_RING_POSITION_BITS) - entry.events) & kCountMask;
  const bool credible = bytes < geometry.subbuf_bytes &&
                        events <= bytes / geometry.min_record_bytes() &&
                        entry.events >= accounted_ && entry.begin_ns <= entry.end_ns;
  Run run;
  if (credible) run.bytes = take_bytes(bytes, buffer);
  // The copy must be complete before the position is read again. Pairs with the writers' order:
  // position of sub-buffer k + n first, then entry and data in k's slot.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (stream_.bytes_from(sequence_, stream_.position()) >= ring_bytes()) return std::nullopt;
  if (!credible) {
    skip_to(sequence_ + 1);
    return std::nullopt;
  }
  const std::uint64_t missing = entry.events - accounted_;
  (geometry.overwrite ? loss_.overrun_events : loss_.corrupt_events) += missing;
  run.sequence = sequence_;
  run.closed = true;
  run.begin_ns = entry.begin_ns;
  run.end_ns = entry.end_ns;
  run.events = static_cast<std::uint32_t>(events);
  // Of then, and not of now as loss() has it: readers of the trace look for the lost events in front
  // of the end of the packet that counts them.
  lost_at_end_ = std::max(lost_at_end_, entry.lost);
  run.lost = lost_at_end_;
  run.skipped_subbufs = std::exchange(skipped_, 0);
  accounted_ = entry.events + events;
  ++sequence_;
  lent_ = true;
  return run;
}

std::span<const std::byte> KernelStreamReader::take_bytes(std::uint64_t bytes,
                                                          std::span<std::byte> buffer) const {
  const std::byte* from = stream_.data(sequence_);
  if (!stream_.geometry().overwrite) return {from, static_cast<std::size_t>(bytes)};
  // Writers may be writing over it: word by word, so that this is a race of atomics and not of
  // objects. Sub-buffers are whole words.
  for (std::uint64_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    const std::uint64_t word =
        __atomic_load_n(reinterpret_cast<const std::uint64_t*>(from + at), __ATOMIC_RELAXED);
    std::memcpy(buffer.data() + at, &word, sizeof word);
  }
  return buffer.first(static_cast<std::size_t>(bytes));
}

// Gives up what lies before `sequence`. Its events are known once an entry behind it can be read.
void KernelStreamReader::skip_to(std::uint64_t sequence) {
  const std::uint64_t subbufs = sequence - sequence_;
  skipped_ += subbufs;
  // In discard mode nobody writes over what was not released.
  (stream_.geometry().overwrite ? loss_.overrun_subbufs : loss_.corrupt_subbufs) += subbufs;
  sequence_ = sequence;
  release();
}

void KernelStreamReader::abandon() {
  const std::uint64_t events = stream_.events_now() - accounted_;
  if (events == 0) return;
  loss_.corrupt_events += events;
  ++loss_.corrupt_subbufs;
  accounted_ += events;
}

const StreamLoss& KernelStreamReader::loss() {
  lost_ = std::max(lost_, loss_.update(stream_.shared().lost));
  return loss_;
}

std::uint64_t KernelStreamReader::lost_by_writers() {
  (void)loss();
  return lost_;
}

std::uint64_t KernelStreamReader::pending_events() const {
  const std::uint64_t events = stream_.events_now();
  std::uint64_t before = accounted_;
  const std::uint64_t ahead = stream_.bytes_from(sequence_, stream_.position());
  if (ahead >= ring_bytes()) {
    // Overwritten in part: what the oldest sub-buffer says came before it.
    const std::uint64_t oldest =
        sequence_ + ahead / stream_.geometry().subbuf_bytes - (stream_.geometry().subbuf_count - 1);
    const KernelStream::Entry entry = stream_.copy_entry(oldest);
    if (stream_.is_of(entry, oldest)) before = std::max(before, entry.events);
  }
  return events > before ? events - before : 0;
}

}  // namespace sillage::ring
