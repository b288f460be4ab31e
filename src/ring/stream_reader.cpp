// SPDX-License-Identifier: MIT
#include "ring/stream_reader.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

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
      data_(data) {
  at_.sequence = at_.floor = first_sequence;
  at_.accounted = first_event;
}

StreamReader::StreamReader(const RingGeometry& geometry, std::byte* control, const std::byte* data,
                           const ReaderProgress& progress)
    : StreamReader(geometry, control, data, 0, 0) {
  at_ = progress;
  // The reader before this one may not have come to release what it had read. Nothing is released before it is
  // known where to read on.
  if (at_.is_placed) release(at_.sequence);
}

std::unique_ptr<RunSource> StreamReader::peek() const {
  auto other = std::make_unique<StreamReader>(*this);
  other->peeks_ = true;
  return other;
}

std::optional<Run> StreamReader::next_run(std::span<std::byte> buffer, bool flush) {
  if (std::exchange(is_lent_, false)) release(at_.sequence);
  for (int tries = kMaxSkips; tries > 0; --tries) {
    if (!at_.is_placed && !place()) return std::nullopt;
    const std::uint64_t now = position();
    const std::uint64_t ahead = bytes_from(at_.sequence, now);
    if (ahead < geometry_.subbuf_bytes) {
      if (!flush || ahead <= at_.read) return std::nullopt;
      if (auto run = read_open(ahead, now, buffer)) return run;
    } else if (ahead >= geometry_.subbuf_bytes * geometry_.subbuf_count) {
      // In discard mode no writer passes what is not released: the position is not one of the
      // ring's.
      skip(geometry_.overwrite ? Skip::kOverrun : Skip::kCorrupt, at_.sequence + 1);
    } else if (auto run = read_closed(buffer)) {
      return run;
    }
  }
  return std::nullopt;
}

// The part of the current sub-buffer between what was given out and `end`, where `position` stands.
std::optional<Run> StreamReader::read_open(std::uint64_t end, std::uint64_t position,
                                           std::span<std::byte> buffer) {
  const std::uint64_t bytes = end - at_.read;
  const std::uint64_t events =
      ((position >> SILLAGE_RING_POSITION_BITS) - at_.accounted) & kCountMask;
  if (events > bytes / SILLAGE_RECORD_COMPACT_BYTES) {
    // Without a sub-buffer's first full time the rest of it cannot be read either.
    skip(Skip::kCorrupt, at_.sequence + 1);
    return std::nullopt;
  }
  copy_data(bytes, buffer);
  if (overrun()) {
    skip(Skip::kOverrun, at_.sequence + 1);
    return std::nullopt;
  }
  Run run = take(buffer, bytes, events);
  run.lost = lost_by_writers();
  at_.read = end;
  return run;
}

std::optional<Run> StreamReader::read_closed(std::span<std::byte> buffer) {
  const Entry next = copy_entry(at_.sequence + 1);
  const std::uint64_t end = (next.previous_end - start_of(at_.sequence)) & kMask;
  const std::uint64_t events = next.events - at_.accounted;
  const bool credible =
      next.sequence == at_.sequence + 1 && end < geometry_.subbuf_bytes && end >= at_.read &&
      events <= (end - at_.read) / SILLAGE_RECORD_COMPACT_BYTES &&
      (((next.previous_end >> SILLAGE_RING_POSITION_BITS) - next.events) & kCountMask) == 0;
  if (credible) copy_data(end - at_.read, buffer);
  // Asked first: an entry that is being written over looks like a corrupt one.
  if (overrun() || !credible) {
    skip(overrun() ? Skip::kOverrun : Skip::kCorrupt, at_.sequence + 1);
    return std::nullopt;
  }
  Run run = take(buffer, end - at_.read, events);
  run.closed = true;
  run.end_ns = next.begin_ns;
  at_.lost = std::max(at_.lost, next.lost);
  run.lost = at_.lost;
  at_.entry = next;
  ++at_.sequence;
  at_.read = 0;
  is_lent_ = true;
  return run;
}

Run StreamReader::take(std::span<std::byte> buffer, std::uint64_t bytes, std::uint64_t events) {
  Run run;
  run.bytes = buffer.first(static_cast<std::size_t>(bytes));
  run.sequence = at_.sequence;
  run.offset = static_cast<std::uint32_t>(at_.read);
  run.begin_ns = at_.entry.begin_ns;
  run.events = static_cast<std::uint32_t>(events);
  run.skipped_subbufs = std::exchange(at_.skipped, 0);
  at_.accounted += events;
  at_.delivered += events;
  return run;
}

// Gives the place up: reading goes on at `next` or, if that cannot be, at the current sub-buffer.
void StreamReader::skip(Skip why, std::uint64_t next) {
  at_.is_placed = false;
  at_.floor = next;
  at_.skips_corrupt = why == Skip::kCorrupt;
}

bool StreamReader::place() {
  const std::uint64_t ahead = bytes_from(at_.floor, position());
  // The sub-buffer before at_.floor is still being written.
  if (ahead > kMask - geometry_.subbuf_bytes) return false;
  const std::uint64_t slots = geometry_.subbuf_count;
  const std::uint64_t current = at_.floor + ahead / geometry_.subbuf_bytes;
  const std::uint64_t readable = geometry_.overwrite ? slots - 2 : slots - 1;
  const std::uint64_t behind = current - at_.floor;
  std::uint64_t oldest = at_.floor;
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
  const std::uint64_t subbufs = entry.sequence - at_.sequence;
  const std::uint64_t events = entry.events - at_.accounted;
  const bool credible = subbufs <= kMask &&
                        events <= subbufs * (geometry_.subbuf_bytes / SILLAGE_RECORD_COMPACT_BYTES);
  if (geometry_.overwrite && !at_.skips_corrupt) {
    at_.loss.overrun_subbufs += credible ? subbufs : 1;
    at_.loss.overrun_events += credible ? events : 0;
  } else if (subbufs != 0 || events != 0) {
    at_.loss.corrupt_subbufs += credible ? subbufs : 1;
    at_.loss.corrupt_events += credible ? events : 0;
  }
  at_.skipped += credible ? subbufs : 1;
  at_.entry = entry;
  at_.sequence = at_.floor = entry.sequence;
  at_.accounted = entry.events;
  at_.read = 0;
  at_.is_placed = true;
  release(at_.sequence);
  return true;
}

bool StreamReader::overrun() const {
  if (!geometry_.overwrite) return false;
  // The copy must be complete before the position is read again. Pairs with the writer's order:
  // position of sub-buffer k + n first, then data in k's slot (src/probe).
  std::atomic_thread_fence(std::memory_order_acquire);
  return bytes_from(at_.sequence, position()) >= geometry_.subbuf_bytes * geometry_.subbuf_count;
}

void StreamReader::copy_data(std::uint64_t bytes, std::span<std::byte> buffer) const {
  const std::uint64_t slot = at_.sequence & (geometry_.subbuf_count - 1);
  std::memcpy(buffer.data(), data_ + slot * geometry_.subbuf_bytes + at_.read,
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

// A writer may have looked at `consumed` long ago and switch only now: from the position that it saw then, if that is still the
// position, into the sub-buffer behind it. No permission reaches further, so that what lies beyond is ours as soon as nobody
// gets a new one: `consumed` is taken back for a while. Whoever sees a position behind the one that is read here, behind that
// store, sees the store, too.
Result<Reclaimed> StreamReader::reclaim_memory(Nanoseconds ended_before) {
  const std::uint64_t slots = geometry_.subbuf_count;
  if (geometry_.overwrite || peeks_ || keeps_memory_ || !at_.is_placed || slots < 3)
    return Reclaimed{};
  const std::uint64_t released = at_.sequence - (is_lent_ ? 1 : 0);
  const auto current = [this] {
    return at_.sequence + bytes_from(at_.sequence, position()) / geometry_.subbuf_bytes;
  };
  const std::uint64_t before = current();
  // The position is not one of the ring's.
  if (before - at_.sequence >= slots) return Reclaimed{};
  const std::uint64_t oldest = before + 2 < slots ? 0 : before + 2 - slots;
  const std::uint64_t first = std::max(reclaimed_, oldest);
  std::uint64_t last = released;
  while (last > first && end_of(last - 1) > ended_before.value) --last;
  if (first >= last) return Reclaimed{};

  __atomic_store_n(&control_->consumed, start_of(before + 2 - slots), __ATOMIC_SEQ_CST);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Reclaimed sum;
  Status done;
  // Writers that went on meanwhile are busy: another time.
  if (current() == before) {
    for (std::uint64_t sequence = first; done && sequence < last; ++sequence) {
      const auto bytes = remove_pages(sequence);
      if (!bytes) {
        done = tl::unexpected(bytes.error());
      } else if (*bytes != 0) {
        sum.add({1, *bytes});
      }
    }
    if (done) reclaimed_ = last;
  }
  release(released);
  if (!done) return tl::unexpected(std::move(done).error());
  return sum;
}

// When sub-buffer `sequence` ended, which was read.
std::uint64_t StreamReader::end_of(std::uint64_t sequence) const {
  return sequence + 1 == at_.sequence ? at_.entry.begin_ns : copy_entry(sequence + 1).begin_ns;
}

Result<std::uint64_t> StreamReader::remove_pages(std::uint64_t sequence) const {
  const std::uint64_t slot = sequence & (geometry_.subbuf_count - 1);
  // What MADV_REMOVE changes is the ring's memory, not what this reader thinks of it.
  auto* memory = const_cast<std::byte*>(data_) + slot * geometry_.subbuf_bytes;
  const auto bytes = static_cast<std::size_t>(geometry_.subbuf_bytes);
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  std::vector<unsigned char> pages(bytes / page + 1);
  if (::mincore(memory, bytes, pages.data()) != 0 || ::madvise(memory, bytes, MADV_REMOVE) != 0)
    return fail_errno("cannot give the memory of a sub-buffer of " + std::to_string(bytes) +
                      " bytes back to the system");
  return page * static_cast<std::uint64_t>(std::count_if(
                    pages.begin(), pages.end() - 1, [](unsigned char each) { return each & 1; }));
}

const StreamLoss& StreamReader::loss() {
  at_.lost = std::max(at_.lost, at_.loss.update(control_->lost));
  at_.loss.rejected =
      std::max(at_.loss.rejected, __atomic_load_n(&control_->rejected, __ATOMIC_RELAXED));
  return at_.loss;
}

std::uint64_t StreamReader::pending_events() const {
  return ((position() >> SILLAGE_RING_POSITION_BITS) - at_.accounted) & kCountMask;
}

std::uint64_t StreamReader::lost_by_writers() {
  (void)loss();
  return at_.lost;
}

}  // namespace sillage::ring
