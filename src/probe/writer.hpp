// SPDX-License-Identifier: MIT
// Writing one record into the ring of one slot.
#pragma once

#include "abi/ring.h"
#include "probe/app_context.hpp"
#include "probe/clock.hpp"
#include "probe/process.hpp"
#include "probe/rseq.hpp"
#include "probe/slot.hpp"

#include <cstdint>

namespace sillage::probe {

/// The pieces of a payload, measured: `bytes` is their sum.
struct Payload {
  const Piece* pieces;
  std::uint32_t count;
  std::uint64_t bytes;
  std::uint64_t ip;  ///< return address into the traced program, for the `ip` context
  /// The slot's serial that the event was judged by; another one: it is not recorded. 0: any.
  std::uint32_t serial;
  const AppValues* app =
      nullptr;  ///< taken for the ring that the slot has with `serial`, if that has such contexts
};

/// Records a payload on a slot, whatever it takes: contexts, extended header, sub-buffer switch, waiting,
/// the try-locked streams; or counts it as lost.
///
/// Threads: any; async-signal-safe; leaves nothing behind if the thread is killed inside.
[[gnu::noinline]] void record_slow(sillage_slot* slot, const Payload& payload);

/// Records a payload in one piece on a try-locked stream of a ring without contexts, if that is as simple as can be:
/// this CPU's stream is free, compact header, room in the sub-buffer. Otherwise returns false: record_slow().
/// `expected_serial` is Payload::serial.
///
/// Cost: of it an event's clock, and taking the stream: one compare-and-exchange.
[[gnu::noinline]] bool record_locked(const sillage_slot* slot, const void* payload,
                                     std::uint32_t bytes, std::uint32_t expected_serial);

/// Counts an event that a filter did not want, on a try-locked stream.
void count_rejected_locked(const RingView* ring);

#if defined(__x86_64__)

/// The stream index of this thread right now.
inline std::uint32_t current_index(std::ptrdiff_t index_offset) {
  std::uint32_t index;
  asm volatile("movl %%fs:(%1), %0" : "=r"(index) : "r"(index_offset));
  return index;
}

/// Where the next record of a slot would go, if a compact record fits.
struct Place {
  Publication publication;
  char* to;
  std::uint32_t header;
  std::uint64_t time;
};

/// Prepares a section: compact header, room in the sub-buffer, same clock epoch. One attempt.
///
/// Any change of the slot's serial until the record is published makes the section fail, so what is read of the slot here
/// is consistent.
/// Returns false when any of that does not hold: record_slow() then does what is needed.
[[gnu::always_inline]] inline bool find_place(const sillage_slot* slot, std::uint64_t total,
                                              Place* place) {
  std::uint32_t serial = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
  if (__builtin_expect(serial == 0, 0)) return false;
  const RingView* ring = slot->ring;
  std::uint32_t index = current_index(ring->index_offset);
  if (__builtin_expect(index >= ring->rseq_index_count, 0)) return false;
  const RingView::Stream& stream = ring->at[index];
  // The position must be read before the clock: whoever publishes in between makes the section fail, so
  // within a stream time follows the order of publication. On one CPU program order is enough.
  std::uint64_t position = __atomic_load_n(&stream.control->position, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  std::uint64_t time = now_ns(ring->clock);
  std::uint64_t epoch = __atomic_load_n(&stream.control->epoch, __ATOMIC_RELAXED);
  if (__builtin_expect((position & ring->subbuf_mask) + total > ring->subbuf_limit, 0))
    return false;
  if (__builtin_expect((time >> SILLAGE_RECORD_EPOCH_BITS) != epoch, 0)) return false;
  place->publication = {
      stream.control,     position,         position + SILLAGE_RING_ONE_EVENT + total,
      &slot->serial,      serial,           index,
      ring->index_offset, ring->rseq_offset};
  place->to = stream.data + (position & ring->data_mask);
  place->header = slot->id | static_cast<std::uint32_t>(time << SILLAGE_RECORD_ID_BITS);
  place->time = time;
  return true;
}

#endif  // __x86_64__

/// Counts an event that a filter did not want.
[[gnu::always_inline]] inline void count_rejected(const RingView* ring) {
#if defined(__x86_64__)
  std::uint32_t index = current_index(ring->index_offset);
  if (__builtin_expect(index < ring->rseq_index_count, 1) &&
      __builtin_expect(rseq_count(&ring->at[index].control->rejected, index, ring->index_offset,
                                  ring->rseq_offset),
                       1))
    return;
#endif
  count_rejected_locked(ring);
}

}  // namespace sillage::probe
