// SPDX-License-Identifier: MIT
#include "ring/stream_reader.hpp"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

namespace sillage::ring {
namespace {

constexpr std::uint64_t kMask = SILLAGE_RING_BYTES_MASK;
// Sub-buffers skipped in one call: enough to catch up with fast writers in overwrite mode, where
// one or two skips reach the current sub-buffer; a bound where someone makes every place look
// wrong.
constexpr int kMaxSkips = 8;
constexpr std::uint64_t kCountMask = (UINT64_C(1) << (64 - SILLAGE_RING_POSITION_BITS)) - 1;

std::uint64_t load(const std::uint64_t& shared) {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}

}  // namespace

StreamReader::StreamReader(const RingGeometry& geometry, std::byte* control, const std::byte* data,
                           std::uint64_t first_sequence, std::uint64_t first_event)
    : geometry_(geometry),
      control_(reinterpret_cast<sillage_ring_stream*>(control)),
      entries_(reinterpret_cast<const sillage_ring_entry*>(control + sizeof(sillage_ring_stream))),
      data_(data),
      sequence_(first_sequence),
      accounted_(first_event),
      floor_(first_sequence) {}

std::unique_ptr<RunSource> StreamReader::peek() const {
  auto other = std::make_unique<StreamReader>(*this);
  other->peeks_ = true;
  return other;
}

std::optional<Run> StreamReader::next_run(std::span<std::byte> buffer, bool flush) {
  for (int tries = kMaxSkips; tries > 0; --tries) {
    if (!placed_ && !place()) return std::nullopt;
    const std::uint64_t now = position();
    const std::uint64_t ahead = bytes_from(sequence_, now);
    if (ahead < geometry_.subbuf_bytes) {
      if (!flush || ahead <= read_) return std::nullopt;
      if (auto run = read_open(ahead, now, buffer)) return run;
    } else if (ahead >= geometry_.subbuf_bytes * geometry_.subbuf_count) {
      // In discard mode no writer passes what is not released: the position is not one of the
      // ring's.
      skip(geometry_.overwrite ? Skip::kOverrun : Skip::kCorrupt, sequence_ + 1);
    } else if (auto run = read_closed(buffer)) {
      return run;
    }
  }
  return std::nullopt;
}

// The part of the current sub-buffer between what was given out and `end`, where `position` stands.
std::optional<Run> StreamReader::read_open(std::uint64_t end, std::uint64_t position,
                                           std::span<std::byte> buffer) {
  const std::uint64_t bytes = end - read_;
  const std::uint64_t events = ((position >> SILLAGE_RING_POSITION_BITS) - accounted_) & kCountMask;
  if (events > bytes / SILLAGE_RECORD_COMPACT_BYTES) {
    // Without a sub-buffer's first full time the rest of it cannot be read either.
    skip(Skip::kCorrupt, sequence_ + 1);
    return std::nullopt;
  }
  copy_data(bytes, buffer);
  if (overrun()) {
    skip(Skip::kOverrun, sequence_ + 1);
    return std::nullopt;
  }
  Run run = take(buffer, bytes, events);
  run.lost = lost_by_writers();
  read_ = static_cast<std::uint32_t>(end);
  return run;
}

std::optional<Run> StreamReader::read_closed(std::span<std::byte> buffer) {
  const Entry next = copy_entry(sequence_ + 1);
  const std::uint64_t end = (next.previous_end - start_of(sequence_)) & kMask;
  const std::uint64_t events = next.events - accounted_;
  const bool credible =
      next.sequence == sequence_ + 1 && end < geometry_.subbuf_bytes && end >= read_ &&
      events <= (end - read_) / SILLAGE_RECORD_COMPACT_BYTES &&
      (((next.previous_end >> SILLAGE_RING_POSITION_BITS) - next.events) & kCountMask) == 0;
  if (credible) copy_data(end - read_, buffer);
  // Asked first: an entry that is being written over looks like a corrupt one.
  if (overrun() || !credible) {
    skip(overrun() ? Skip::kOverrun : Skip::kCorrupt, sequence_ + 1);
    return std::nullopt;
  }
  Run run = take(buffer, end - read_, events);
  run.closed = true;
  run.end_ns = next.begin_ns;
  lost_ = std::max(lost_, next.lost);
  run.lost = lost_;
  entry_ = next;
  ++sequence_;
  read_ = 0;
  release(sequence_);
  return run;
}

Run StreamReader::take(std::span<std::byte> buffer, std::uint64_t bytes, std::uint64_t events) {
  Run run;
  run.bytes = buffer.first(static_cast<std::size_t>(bytes));
  run.sequence = sequence_;
  run.offset = read_;
  run.begin_ns = entry_.begin_ns;
  run.events = static_cast<std::uint32_t>(events);
  run.skipped_subbufs = std::exchange(skipped_, 0);
  accounted_ += events;
  delivered_ += events;
  return run;
}

// Gives the place up: reading goes on at `next` or, if that cannot be, at the current sub-buffer.
void StreamReader::skip(Skip why, std::uint64_t next) {
  placed_ = false;
  floor_ = next;
  why_ = why;
}

bool StreamReader::place() {
  const std::uint64_t ahead = bytes_from(floor_, position());
  // The sub-buffer before floor_ is still being written.
  if (ahead > kMask - geometry_.subbuf_bytes) return false;
  const std::uint64_t slots = geometry_.subbuf_count;
  const std::uint64_t current = floor_ + ahead / geometry_.subbuf_bytes;
  const std::uint64_t readable = geometry_.overwrite ? slots - 2 : slots - 1;
  const std::uint64_t behind = current - floor_;
  std::uint64_t oldest = floor_;
  if (behind > readable) oldest = geometry_.overwrite ? current - readable : current;
  if (place_at(oldest)) return true;
  if (oldest != current && place_at(current)) return true;
  // Nothing credible to start from. The other programs in this ring must not wait for it.
  release(current);
  return false;
}

bool StreamReader::place_at(std::uint64_t candidate) {
  const Entry entry = copy_entry(candidate);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (geometry_.overwrite &&
      bytes_from(candidate, position()) >= geometry_.subbuf_bytes * (geometry_.subbuf_count - 1))
    return false;
  // The upper bits of a number may differ only if 2^40 bytes went by unread.
  if (start_of(entry.sequence) != start_of(candidate)) return false;

  // Counted only as far as memory can have held it: beyond that it is a number someone made up.
  const std::uint64_t subbufs = entry.sequence - sequence_;
  const std::uint64_t events = entry.events - accounted_;
  const bool credible = subbufs <= kMask &&
                        events <= subbufs * (geometry_.subbuf_bytes / SILLAGE_RECORD_COMPACT_BYTES);
  if (geometry_.overwrite && why_ == Skip::kOverrun) {
    loss_.overrun_subbufs += credible ? subbufs : 1;
    loss_.overrun_events += credible ? events : 0;
  } else if (subbufs != 0 || events != 0) {
    loss_.corrupt_subbufs += credible ? subbufs : 1;
    loss_.corrupt_events += credible ? events : 0;
  }
  skipped_ += credible ? subbufs : 1;
  entry_ = entry;
  sequence_ = floor_ = entry.sequence;
  accounted_ = entry.events;
  read_ = 0;
  placed_ = true;
  release(sequence_);
  return true;
}

bool StreamReader::overrun() const {
  if (!geometry_.overwrite) return false;
  // The copy must be complete before the position is read again. Pairs with the writer's order:
  // position of sub-buffer k + n first, then data in k's slot (src/probe).
  std::atomic_thread_fence(std::memory_order_acquire);
  return bytes_from(sequence_, position()) >= geometry_.subbuf_bytes * geometry_.subbuf_count;
}

void StreamReader::copy_data(std::uint64_t bytes, std::span<std::byte> buffer) const {
  const std::uint64_t slot = sequence_ & (geometry_.subbuf_count - 1);
  std::memcpy(buffer.data(), data_ + slot * geometry_.subbuf_bytes + read_,
              static_cast<std::size_t>(bytes));
  // No later look at the copy may be turned into another look at shared memory.
  std::atomic_thread_fence(std::memory_order_acquire);
}

StreamReader::Entry StreamReader::copy_entry(std::uint64_t sequence) const {
  const sillage_ring_entry& shared = entries_[sequence & (geometry_.subbuf_count - 1)];
  Entry entry;
  entry.sequence = load(shared.sequence);
  entry.begin_ns = load(shared.begin_ns);
  entry.events = load(shared.events);
  entry.previous_end = load(shared.previous_end);
  entry.lost = load(shared.lost);
  return entry;
}

// Pairs with the writers' publishing store of the position (src/probe): all below it is visible.
std::uint64_t StreamReader::position() const {
  return __atomic_load_n(&control_->position, __ATOMIC_ACQUIRE);
}

std::uint64_t StreamReader::start_of(std::uint64_t sequence) const {
  return (sequence * geometry_.subbuf_bytes) & kMask;
}

std::uint64_t StreamReader::bytes_from(std::uint64_t sequence, std::uint64_t position) const {
  return (position - start_of(sequence)) & kMask;
}

// Pairs with the writers' load of `consumed` before they switch (src/probe): what they write over
// has been copied.
void StreamReader::release(std::uint64_t sequence) {
  if (!geometry_.overwrite && !peeks_)
    __atomic_store_n(&control_->consumed, start_of(sequence), __ATOMIC_RELEASE);
}

const StreamLoss& StreamReader::loss() {
  lost_ = std::max(lost_, loss_.update(control_->lost));
  loss_.rejected = std::max(loss_.rejected, __atomic_load_n(&control_->rejected, __ATOMIC_RELAXED));
  return loss_;
}

std::uint64_t StreamReader::pending_events() const {
  return ((position() >> SILLAGE_RING_POSITION_BITS) - accounted_) & kCountMask;
}

std::uint64_t StreamReader::lost_by_writers() {
  (void)loss();
  return lost_;
}

}  // namespace sillage::ring
