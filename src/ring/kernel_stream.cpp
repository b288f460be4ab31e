// SPDX-License-Identifier: MIT
#include "ring/kernel_stream.hpp"

#include <time.h>

#include <algorithm>
#include <string>

namespace sillage::ring {
namespace {

constexpr std::uint64_t kMask = SILLAGE_RING_BYTES_MASK;
constexpr std::uint64_t kCountMask = (UINT64_C(1) << (64 - SILLAGE_RING_POSITION_BITS)) - 1;
// A writer in the middle of its moves takes microseconds; preempted, some scheduler ticks.
constexpr int kFlushTries = 200;
constexpr timespec kFlushPause{0, 1'000'000};

std::uint64_t load(const std::uint64_t& shared) {
  return __atomic_load_n(&shared, __ATOMIC_RELAXED);
}
void store(std::uint64_t& shared, std::uint64_t value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELAXED);
}

// The writers' clock (bpf_ktime_get_ns), from here.
std::uint64_t clock_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

std::uint32_t flags_of(const KernelRingGeometry& geometry) {
  return geometry.overwrite ? std::uint32_t{SILLAGE_RING_OVERWRITE} : 0;
}

std::uint64_t count_of(std::uint64_t position) { return position >> SILLAGE_RING_POSITION_BITS; }

}  // namespace

void KernelStream::initialise(std::uint32_t cpu, Nanoseconds now, std::uint64_t first_sequence,
                              std::uint64_t first_event) {
  sillage_kernel_stream& s = shared();
  s.abi_major = SILLAGE_KERNEL_RING_ABI_MAJOR;
  s.abi_minor = SILLAGE_KERNEL_RING_ABI_MINOR;
  s.subbuf_bytes = geometry_.subbuf_bytes;
  s.subbuf_count = geometry_.subbuf_count;
  s.flags = flags_of(geometry_);
  s.data_offset = geometry_.data_offset;
  s.header = geometry_.header;
  s.cpu = cpu;
  s.position = first_event << SILLAGE_RING_POSITION_BITS | start_of(first_sequence);
  s.epoch = now.value >> geometry_.epoch_bits();
  s.events_total = first_event;
  s.consumed = start_of(first_sequence);
  s.consumed_events = first_event;
  for (std::uint64_t k = first_sequence; k < first_sequence + geometry_.subbuf_count; ++k)
    s.committed[slot(k)] = k / geometry_.subbuf_count * geometry_.subbuf_bytes;
  sillage_kernel_entry& first = s.entries[slot(first_sequence)];
  first.sequence = start_of(first_sequence) / geometry_.subbuf_bytes;
  first.begin_ns = now.value;
  first.events = first_event;
  // Last: an element without it is none that a later daemon may open.
  __atomic_store_n(&s.magic, SILLAGE_KERNEL_RING_MAGIC, __ATOMIC_RELEASE);
}

Status KernelStream::adopt(std::uint32_t cpu) {
  SILLAGE_TRY(check(cpu));
  for (int tries = kFlushTries; try_complete_flush() == Flush::kWait; --tries) {
    if (tries == 0)
      return fail(Code::kNotReady,
                  "a program is held up while it writes to the kernel ring of CPU " +
                      std::to_string(cpu) + ": try again");
    ::nanosleep(&kFlushPause, nullptr);
  }
  // The reader stores two words when it releases, the count last: at most one sub-buffer behind.
  sillage_kernel_stream& s = shared();
  const std::uint64_t sequence = load(s.consumed) / geometry_.subbuf_bytes;
  const Entry entry = copy_entry(sequence);
  if (is_of(entry, sequence) && entry.events - load(s.consumed_events) <=
                                    geometry_.subbuf_bytes / geometry_.min_record_bytes())
    store(s.consumed_events, entry.events);
  return {};
}

// Everything written once has been compared with the geometry by who opened the ring; here: what
// the reader goes by.
Status KernelStream::check(std::uint32_t cpu) const {
  const sillage_kernel_stream& s = shared();
  const auto bad = [cpu](const char* what, std::uint64_t value) {
    return fail(Code::kCorrupt, std::string("no kernel ring of this release: ") + what + " is " +
                                    std::to_string(value) + " in the stream of CPU " +
                                    std::to_string(cpu));
  };
  if (s.magic != SILLAGE_KERNEL_RING_MAGIC) return bad("the magic number", s.magic);
  if (s.abi_major != SILLAGE_KERNEL_RING_ABI_MAJOR) return bad("the major version", s.abi_major);
  if (s.subbuf_bytes != geometry_.subbuf_bytes) return bad("the sub-buffer size", s.subbuf_bytes);
  if (s.subbuf_count != geometry_.subbuf_count)
    return bad("the number of sub-buffers", s.subbuf_count);
  if (s.flags != flags_of(geometry_)) return bad("the flags", s.flags);
  if (s.data_offset != geometry_.data_offset) return bad("the offset of data", s.data_offset);
  if (s.header != static_cast<std::uint32_t>(geometry_.header)) return bad("the header", s.header);
  if (s.cpu != cpu) return bad("the CPU", s.cpu);
  const std::uint64_t consumed = load(s.consumed);
  if (consumed > kMask || consumed % geometry_.subbuf_bytes != 0)
    return bad("the released position", consumed);
  const std::uint64_t ahead = (position() - consumed) & kMask;
  if (!geometry_.overwrite && ahead >= geometry_.subbuf_bytes * geometry_.subbuf_count)
    return bad("the distance from the released position", ahead);
  const std::uint64_t flushing = load(s.flushing);
  if (flushing > 1) return bad("the mark of a flush", flushing);
  return {};
}

std::uint64_t KernelStream::start_of(std::uint64_t sequence) const {
  return sequence * geometry_.subbuf_bytes & kMask;
}

// Pairs with the writers' compare-exchange: what they stored before it is visible.
std::uint64_t KernelStream::position() const {
  return __atomic_load_n(&shared().position, __ATOMIC_ACQUIRE);
}

std::uint64_t KernelStream::bytes_from(std::uint64_t sequence, std::uint64_t position) const {
  return (position - start_of(sequence)) & kMask;
}

std::uint64_t KernelStream::events_now() const {
  // Loaded before the position, so that it counts no event behind it.
  const std::uint64_t total = __atomic_load_n(&shared().events_total, __ATOMIC_ACQUIRE);
  return total + ((count_of(position()) - total) & kCountMask);
}

// Bytes committed to a sub-buffer; more than its size if its slot is not at it.
std::uint64_t KernelStream::committed_in(std::uint64_t sequence) const {
  // Pairs with the writers' atomic add: the record and the entry's end are visible.
  const std::uint64_t committed =
      __atomic_load_n(&shared().committed[slot(sequence)], __ATOMIC_ACQUIRE);
  const std::uint64_t before = sequence / geometry_.subbuf_count * geometry_.subbuf_bytes;
  return (committed - before) & (kMask / geometry_.subbuf_count);
}

bool KernelStream::is_closed(std::uint64_t sequence) const {
  return committed_in(sequence) == geometry_.subbuf_bytes &&
         __atomic_load_n(&shared().entries[slot(sequence)].sequence, __ATOMIC_ACQUIRE) ==
             start_of(sequence) / geometry_.subbuf_bytes;
}

bool KernelStream::may_begin(std::uint64_t sequence) const {
  if (committed_in(sequence) != 0) return false;
  return geometry_.overwrite || ((start_of(sequence) - load(shared().consumed)) & kMask) <
                                    geometry_.subbuf_bytes * geometry_.subbuf_count;
}

KernelStream::Entry KernelStream::copy_entry(std::uint64_t sequence) const {
  const sillage_kernel_entry& entry = shared().entries[slot(sequence)];
  Entry copy;
  // Pairs with who stored it last of the begin part.
  copy.sequence = __atomic_load_n(&entry.sequence, __ATOMIC_ACQUIRE);
  copy.begin_ns = load(entry.begin_ns);
  copy.events = load(entry.events);
  copy.end_position = load(entry.end_position);
  copy.end_ns = load(entry.end_ns);
  copy.lost = load(entry.lost);
  return copy;
}

bool KernelStream::is_of(const Entry& entry, std::uint64_t sequence) const {
  return entry.sequence == start_of(sequence) / geometry_.subbuf_bytes;
}

const std::byte* KernelStream::data(std::uint64_t sequence) const {
  return memory_ + geometry_.data_offset + slot(sequence) * geometry_.subbuf_bytes;
}

bool KernelStream::begin_next(std::uint64_t sequence, std::uint64_t position) {
  sillage_kernel_stream& s = shared();
  // Behind the load of `position`, before the exchange: see abi/kernel_ring.h.
  std::uint64_t total = __atomic_load_n(&s.events_total, __ATOMIC_ACQUIRE);
  if (!may_begin(sequence + 1)) return this->position() != position;
  const std::uint64_t time = clock_ns();
  const std::uint64_t events = total + ((count_of(position) - total) & kCountMask);
  store(s.flush_position, position);
  store(s.flush_ns, time);
  store(s.flush_events, events);
  __atomic_store_n(&s.flushing, 1u, __ATOMIC_RELEASE);
  std::uint64_t expected = position;
  const std::uint64_t next = (position & ~kMask) | start_of(sequence + 1);
  if (__atomic_compare_exchange_n(&s.position, &expected, next, false, __ATOMIC_SEQ_CST,
                                  __ATOMIC_RELAXED)) {
    make_moves(sequence, position, time, events);
    // As a writer does: only if nobody has counted on meanwhile.
    (void)__atomic_compare_exchange_n(&s.events_total, &total, events, false, __ATOMIC_RELEASE,
                                      __ATOMIC_RELAXED);
  }
  __atomic_store_n(&s.flushing, 0u, __ATOMIC_RELEASE);
  return true;
}

// Ends `sequence` at `position` and begins the next, the position having been exchanged. May be
// made again from the start as long as the padding was not added.
void KernelStream::make_moves(std::uint64_t sequence, std::uint64_t position, std::uint64_t time,
                              std::uint64_t events) {
  sillage_kernel_stream& s = shared();
  sillage_kernel_entry& old = s.entries[slot(sequence)];
  std::uint64_t lost = 0;
  for (const std::uint64_t& counter : s.lost) lost += load(counter);
  store(old.end_position, position);
  store(old.end_ns, time);
  store(old.lost, lost);
  sillage_kernel_entry& begun = s.entries[slot(sequence + 1)];
  store(begun.begin_ns, time);
  store(begun.events, events);
  store(s.epoch, time >> geometry_.epoch_bits());
  __atomic_store_n(&begun.sequence, start_of(sequence + 1) / geometry_.subbuf_bytes,
                   __ATOMIC_RELEASE);
  // Last: it lets writers go around the ring to both entries.
  const std::uint64_t used = position & (geometry_.subbuf_bytes - 1);
  __atomic_fetch_add(&s.committed[slot(sequence)], geometry_.subbuf_bytes - used, __ATOMIC_RELEASE);
}

// Makes the moves that a killed reader did not come to, if it had exchanged the position: once, as
// nobody else can.
KernelStream::Flush KernelStream::try_complete_flush() {
  sillage_kernel_stream& s = shared();
  if (__atomic_load_n(&s.flushing, __ATOMIC_ACQUIRE) == 0) return Flush::kDone;
  const std::uint64_t from = load(s.flush_position);
  const std::uint64_t sequence = (from & kMask) / geometry_.subbuf_bytes;
  const std::uint64_t used = from & (geometry_.subbuf_bytes - 1);
  const std::uint64_t now = position();
  const std::uint64_t ahead = bytes_from(sequence, now);
  // Short of its padding a sub-buffer keeps the position within one round of the ring.
  const bool passed = ahead >= geometry_.subbuf_bytes &&
                      ahead < geometry_.subbuf_bytes * (geometry_.subbuf_count + 1);
  const std::uint64_t committed = committed_in(sequence);
  if (passed && committed < geometry_.subbuf_bytes) {
    const std::uint64_t in_next = std::min(ahead - geometry_.subbuf_bytes, geometry_.subbuf_bytes);
    const std::uint64_t committed_next = committed_in(sequence + 1);
    // Looked at in this order: a record reserved in between would make up for an uncommitted one.
    const bool still = position() == now;
    if (committed != used || committed_next != in_next || !still) return Flush::kWait;
    make_moves(sequence, from, load(s.flush_ns), load(s.flush_events));
  }
  __atomic_store_n(&s.flushing, 0u, __ATOMIC_RELEASE);
  return Flush::kDone;
}

KernelStream::Missing KernelStream::missing() const {
  const sillage_kernel_stream& s = shared();
  return {load(s.overrun_events), load(s.overrun_subbufs), load(s.corrupt_events),
          load(s.corrupt_subbufs), load(s.unwritten_events)};
}

void KernelStream::release(std::uint64_t sequence, std::uint64_t events_before,
                           const Missing& missing) {
  sillage_kernel_stream& s = shared();
  store(s.overrun_events, missing.overrun_events);
  store(s.overrun_subbufs, missing.overrun_subbufs);
  store(s.corrupt_events, missing.corrupt_events);
  store(s.corrupt_subbufs, missing.corrupt_subbufs);
  store(s.unwritten_events, missing.unwritten_events);
  // Pairs with the writers' load before they begin a sub-buffer: what they write over was read.
  __atomic_store_n(&s.consumed, start_of(sequence), __ATOMIC_RELEASE);
  store(s.consumed_events, events_before);
}

void KernelStream::arm() {
  // Full barrier: the stream looked at next must not be read before writers can see it armed. Pairs
  // with the exchange of the position in front of a writer's look at `armed`.
  (void)__atomic_exchange_n(&shared().armed, 1u, __ATOMIC_SEQ_CST);
}

}  // namespace sillage::ring
