// SPDX-License-Identifier: MIT
#include "probe/writer.hpp"

#include "probe/context.hpp"
#include "probe/copy.hpp"
#include "probe/raw_syscall.hpp"
#include "probe/thread_counters.hpp"

#include <time.h>

#include <cstring>

namespace sillage::probe {
namespace {

constexpr std::uint32_t kPrefixBytes =
    SILLAGE_RECORD_EXTENDED_BYTES + kMaxContextBytes;  // header and contexts
constexpr std::uint32_t kScratchBytes = 640;
// A section is aborted only by preemption, migration or a signal. So many in a row for one event mean a
// debugger stepping or a record that takes longer than a time slice to copy.
constexpr int kMaxAborts = 64;

enum class Outcome : std::uint8_t { kDone, kAgain, kFull, kTooBig, kBusy };

/// What is to be published at a position, decided from the position and the time.
struct Plan {
  std::uint64_t header_bytes;   // compact or extended
  std::uint64_t context_bytes;  // of this record
  std::uint64_t total;
  bool extended;
};

/// How this thread may publish on a stream: inside a restartable sequence, or as holder of the try-lock.
struct Access {
  RingView* ring;
  sillage_slot* slot;
  sillage_ring_stream* stream;
  char* data;
  std::uint32_t serial, id;
  std::uint32_t index;  // of the stream, for the section's check
  bool locked;
  const std::uint64_t* counters;  // as TakenValues has them
};

sillage_ring_entry* entry_at(sillage_ring_stream* stream, const RingView* ring,
                             std::uint64_t position) {
  auto* entries = reinterpret_cast<sillage_ring_entry*>(stream + 1);
  return &entries[(position & ring->data_mask) >> ring->subbuf_shift];
}

#if defined(__x86_64__)
Publication publication(const Access& access, std::uint64_t old_position,
                        std::uint64_t new_position) {
  return {access.stream,
          old_position,
          new_position,
          &access.slot->serial,
          access.serial,
          access.index,
          access.ring->index_offset,
          access.ring->rseq_offset};
}
#endif

void copy_pieces(char* to, const Payload& payload) {
  for (std::uint32_t i = 0; i < payload.count; i++) {
    const Piece& piece = payload.pieces[i];
    if (piece.is_string == 0) {
      copy_small(to, piece.data, piece.bytes);
    } else {
      const char* from = static_cast<const char*>(piece.data);
      std::uint32_t length = piece.bytes - 1;
      std::uint32_t done = 0;
      // Each byte is read once: what was measured may have become shorter.
      for (; done < length; done++) {
        char c = *static_cast<const volatile char*>(from + done);
        if (c == 0) break;
        to[done] = c;
      }
      for (; done < length; done++) to[done] = '#';
      to[length] = 0;
    }
    to += piece.bytes;
  }
}

/// Begins the next sub-buffer if there is one free.
Outcome switch_subbuffer(const Access& access, std::uint64_t position, std::uint64_t time) {
  const RingView* ring = access.ring;
  std::uint64_t start =
      (((position & SILLAGE_RING_BYTES_MASK) | ring->subbuf_mask) + 1) & SILLAGE_RING_BYTES_MASK;
  if (ring->overwrite == 0) {
    // Pairs with the collector's release store after it has copied what was there.
    std::uint64_t consumed = __atomic_load_n(&access.stream->consumed, __ATOMIC_ACQUIRE);
    if (((start - consumed) & SILLAGE_RING_BYTES_MASK) > ring->data_mask) return Outcome::kFull;
  }
  const sillage_ring_entry* previous = entry_at(access.stream, ring, position);
  std::uint64_t before = previous->previous_end >> SILLAGE_RING_POSITION_BITS;
  std::uint64_t in_previous = ((position >> SILLAGE_RING_POSITION_BITS) - before) &
                              (UINT64_MAX >> SILLAGE_RING_POSITION_BITS);
  std::uint64_t lost = 0;
  for (const std::uint64_t& cause : access.stream->lost)
    lost += __atomic_load_n(&cause, __ATOMIC_RELAXED);
  sillage_ring_entry entry = {
      previous->sequence + 1, time, previous->events + in_previous, position, lost, {0, 0, 0}};
  sillage_ring_entry* to = entry_at(access.stream, ring, start);
  std::uint64_t next = (position & ~SILLAGE_RING_BYTES_MASK) | start;
  if (access.locked) {
    std::memcpy(to, &entry, offsetof(sillage_ring_entry, reserved));
    __atomic_store_n(&access.stream->position, next, __ATOMIC_RELEASE);
  } else {
#if defined(__x86_64__)
    if (!rseq_publish_switch(publication(access, position, next), to, &entry))
      return Outcome::kAgain;
#endif
  }
  __atomic_store_n(&access.stream->epoch, time >> SILLAGE_RECORD_EPOCH_BITS, __ATOMIC_RELAXED);
  if (__builtin_expect(__atomic_load_n(&ring->header->armed, __ATOMIC_RELAXED) != 0, 0) &&
      __atomic_exchange_n(&ring->header->armed, 0, __ATOMIC_ACQ_REL) != 0) {
    ring_doorbell(ring->header);
  }
  return Outcome::kAgain;
}

/// Bytes of the contexts of a record; `app`: of the application's, if the ring has such.
std::uint64_t context_bytes_of(const RingView& ring, const AppValues* app) {
  return app == nullptr ? ring.context_bytes : ring.context_bytes - kHasAppContexts + app->bytes;
}

/// Header and contexts, as they stand in front of the payload.
std::uint64_t write_prefix(const Access& access, const Plan& plan, std::uint64_t time,
                           std::uint64_t ip, const AppValues* app, char* to) {
  if (plan.extended) {
    to[0] = static_cast<char>(SILLAGE_RECORD_ID_EXTENDED);
    std::memcpy(to + 1, &access.id, 4);
    std::memcpy(to + 5, &time, 8);
  } else {
    auto header = access.id | static_cast<std::uint32_t>(time << SILLAGE_RECORD_ID_BITS);
    std::memcpy(to, &header, 4);
  }
  const RingView* ring = access.ring;
  if (plan.context_bytes != 0) {
    const TakenValues taken = {app == nullptr ? nullptr : app->list, access.counters};
    // Names are kept for a time of this clock.
    write_contexts(ring, g_startup.other_clock == nullptr ? time : monotonic_ns(), ip,
                   to + plan.header_bytes, &taken);
  }
  return plan.header_bytes + plan.context_bytes;
}

/// Who we are in the owner word of a try-locked stream.
std::uint64_t owner_word(sillage_domain domain) {
  return static_cast<std::uint64_t>(fork_wiped()->registration[domain]) << 32 |
         static_cast<std::uint32_t>(thread_id());
}

/// Whether what was read of a slot since its serial belongs together.
bool is_unchanged(const sillage_slot* slot, std::uint32_t serial) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return __atomic_load_n(&slot->serial, __ATOMIC_RELAXED) == serial;
}

/// The clock of an owner. The holder before may have been on another CPU, and the clock is no access to memory that
/// taking the word would order: what was used last keeps time from going back.
std::uint64_t locked_now_ns(const RingView* ring, const sillage_ring_stream* stream) {
  std::uint64_t now =
      g_startup.other_clock == nullptr ? now_ns(ring->clock) : g_startup.other_clock();
  return now < stream->latest_ns ? stream->latest_ns : now;
}

/// One attempt to publish a record on a stream.
Outcome attempt(const Access& access, const Payload& payload) {
  RingView* ring = access.ring;
  std::uint64_t position = __atomic_load_n(&access.stream->position, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);  // the position before the clock: see find_place()
  std::uint64_t time = access.locked ? locked_now_ns(ring, access.stream) : now_ns(ring->clock);
  if (access.locked) access.stream->latest_ns = time;
  std::uint64_t epoch = __atomic_load_n(&access.stream->epoch, __ATOMIC_RELAXED);
  Plan plan;
  plan.extended =
      access.id >= SILLAGE_RECORD_ID_EXTENDED || epoch != time >> SILLAGE_RECORD_EPOCH_BITS;
  plan.header_bytes = plan.extended ? SILLAGE_RECORD_EXTENDED_BYTES : SILLAGE_RECORD_COMPACT_BYTES;
  plan.context_bytes = context_bytes_of(*ring, payload.app);
  plan.total = plan.header_bytes + plan.context_bytes + payload.bytes;
  // Judged with the larger header, so that the verdict does not depend on the time.
  if (SILLAGE_RECORD_EXTENDED_BYTES + plan.context_bytes + payload.bytes > ring->subbuf_limit)
    return Outcome::kTooBig;
  if ((position & ring->subbuf_mask) + plan.total > ring->subbuf_limit) {
    return switch_subbuffer(access, position, time);
  }
  char* to = access.data + (position & ring->data_mask);
  std::uint64_t next = position + SILLAGE_RING_ONE_EVENT + plan.total;
  if (access.locked) {
    std::uint64_t prefix = write_prefix(access, plan, time, payload.ip, payload.app, to);
    copy_pieces(to + prefix, payload);
    // The collector's acquire load of the position (src/ring) pairs with this.
    __atomic_store_n(&access.stream->position, next, __ATOMIC_RELEASE);
  } else {
#if defined(__x86_64__)
    alignas(16) char scratch[kScratchBytes];
    static_assert(kScratchBytes > kPrefixBytes + 16);
    char* const front = payload.app == nullptr ? scratch : payload.app->front;
    std::uint64_t prefix = write_prefix(access, plan, time, payload.ip, payload.app, front);
    Publication where = publication(access, position, next);
    if (plan.total + 16 <= kScratchBytes && payload.app == nullptr) {
      copy_pieces(scratch + prefix, payload);
      std::uint32_t first;
      std::memcpy(&first, scratch, 4);
      std::uint64_t rest = plan.total - 4;
      if (!rseq_publish_block(where, to, first, scratch + 4, rest < 16 ? 16 : rest))
        return Outcome::kAgain;
    } else {
      PieceList list = {to, front, prefix, payload.pieces, payload.pieces + payload.count};
      if (!rseq_publish_pieces(where, list)) return Outcome::kAgain;
    }
#endif
  }
  if (plan.extended) {
    // After publishing: a value too old only costs the next record an extended header.
    __atomic_store_n(&access.stream->epoch, time >> SILLAGE_RECORD_EPOCH_BITS, __ATOMIC_RELAXED);
  }
  return Outcome::kDone;
}

/// Attempts on this CPU's stream, inside restartable sequences.
Outcome attempt_rseq(sillage_slot* slot, std::uint32_t serial, const Payload& payload,
                     std::uint32_t* index) {
#if defined(__x86_64__)
  RingView* ring = slot->ring;
  *index = current_index(ring->index_offset);
  if (*index >= ring->rseq_index_count) return Outcome::kBusy;
  Access access = {
      ring,  slot,   ring->at[*index].control, ring->at[*index].data, serial, slot->id, *index,
      false, nullptr};
  return attempt(access, payload);
#else
  (void)slot, (void)serial, (void)payload, (void)index;
  return Outcome::kBusy;
#endif
}

/// Which try-locked stream a writer tries first: this CPU's, or, where one buffer is for all, the first.
std::uint32_t first_locked(const RingView* ring) {
  return ring->index_count == 0 ? 0 : static_cast<std::uint32_t>(current_cpu());
}

/// Attempts on one of the try-locked streams, beginning at first_locked().
Outcome attempt_locked(sillage_slot* slot, std::uint32_t serial, const Payload& payload,
                       std::uint32_t* index) {
  RingView* ring = slot->ring;
  std::uint32_t id = slot->id;
  std::uint32_t count = ring->stream_count - ring->index_count;
  if (count == 0) return Outcome::kBusy;
  // Before a stream is taken: others wait for it, and the kernel may for long when a counter is opened.
  std::uint64_t counters[SILLAGE_APP_MAX_CONTEXTS];
  for (std::uint32_t i = 0; i < ring->counter_count; i++)
    counters[i] = read_counter(ring->counters[i]);
  std::uint64_t self = owner_word(static_cast<sillage_domain>(slot->domain));
  std::uint32_t first = first_locked(ring);
  if (first >= count) first %= count;
  Outcome outcome = Outcome::kBusy;
  *index = ring->index_count + first;
  for (std::uint32_t i = 0; i < count; i++) {
    std::uint32_t at = ring->index_count + (first + i < count ? first + i : first + i - count);
    sillage_ring_stream* stream = ring->at[at].control;
    std::uint64_t free = 0;
    // A holder that is preempted, or interrupted by the signal handler we are in, is not waited for.
    if (!__atomic_compare_exchange_n(&stream->owner, &free, self, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED))
      continue;
    outcome = Outcome::kDone;
    if (is_unchanged(slot, serial)) {
      Access access = {ring, slot, stream, ring->at[at].data, serial, id, at, true, counters};
      do {
        outcome = attempt(access, payload);
      } while (outcome == Outcome::kAgain);
    }
    __atomic_store_n(&stream->owner, 0, __ATOMIC_RELEASE);
    *index = at;
    break;
  }
  return outcome;
}

void count_lost(RingView* ring, std::uint32_t index, sillage_lost_cause cause) {
  if (index >= ring->stream_count) index = 0;
  __atomic_fetch_add(&ring->at[index].control->lost[cause], 1, __ATOMIC_RELAXED);
}

/// Sleeps a moment on a blocking channel; false once its time is over.
bool wait_for_room(const RingView* ring, std::uint64_t* since) {
  if (!g_startup.allow_blocking || ring->blocking_timeout_ns == 0) return false;
  std::uint64_t now = monotonic_ns();
  if (*since == 0) *since = now;
  if (ring->blocking_timeout_ns != UINT64_MAX && now - *since >= ring->blocking_timeout_ns)
    return false;
  sleep_ns(50'000);  // the collector frees room in steps of a sub-buffer: hundreds of microseconds
  return true;
}

}  // namespace

void count_rejected_locked(const RingView* ring) {
  std::uint32_t index = first_locked(ring);
  std::uint32_t count = ring->stream_count - ring->index_count;
  if (count == 0) return;
  __atomic_fetch_add(&ring->at[ring->index_count + index % count].control->rejected, 1,
                     __ATOMIC_RELAXED);
}

bool record_locked(const sillage_slot* slot, const void* payload, std::uint32_t bytes,
                   std::uint32_t expected_serial) {
  std::uint32_t serial = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
  if (expected_serial != 0 && serial != expected_serial) return false;
  const RingView* ring = slot->ring;
  std::uint32_t index = first_locked(ring);
  if (serial == 0 || index >= ring->stream_count - ring->index_count) return false;
  std::uint32_t id = slot->id;
  const RingView::Stream& at = ring->at[ring->index_count + index];
  sillage_ring_stream* stream = at.control;
  std::uint64_t free = 0;
  if (!__atomic_compare_exchange_n(&stream->owner, &free,
                                   owner_word(static_cast<sillage_domain>(slot->domain)), false,
                                   __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return false;
  std::uint64_t position = __atomic_load_n(&stream->position, __ATOMIC_RELAXED);
  std::uint64_t time = locked_now_ns(ring, stream);
  std::uint64_t total = SILLAGE_RECORD_COMPACT_BYTES + bytes;
  bool can =
      id < SILLAGE_RECORD_ID_EXTENDED && is_unchanged(slot, serial) &&
      __atomic_load_n(&stream->epoch, __ATOMIC_RELAXED) == time >> SILLAGE_RECORD_EPOCH_BITS &&
      (position & ring->subbuf_mask) + total <= ring->subbuf_limit;
  if (__builtin_expect(can, 1)) {
    char* to = at.data + (position & ring->data_mask);
    std::uint32_t header = id | static_cast<std::uint32_t>(time << SILLAGE_RECORD_ID_BITS);
    std::memcpy(to, &header, 4);
    copy_small(to + 4, payload, bytes);
    stream->latest_ns = time;
    // The collector's acquire load of the position (src/ring) pairs with this.
    __atomic_store_n(&stream->position, position + SILLAGE_RING_ONE_EVENT + total,
                     __ATOMIC_RELEASE);
  }
  __atomic_store_n(&stream->owner, 0, __ATOMIC_RELEASE);
  return can;
}

namespace {

enum class Ending : std::uint8_t {
  kOver,    // recorded, counted as lost, or the slot is not active
  kOther,   // the slot is not the one that the payload was judged for
  kValues,  // the ring has application contexts, and the payload no values of them
};

Ending record(sillage_slot* slot, const Payload& payload) {
  int aborts = 0;
  int busy = 0;
  std::uint64_t waiting_since = 0;
  for (;;) {
    std::uint32_t serial = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
    if (serial == 0) return Ending::kOver;
    if (payload.serial != 0 && serial != payload.serial) return Ending::kOther;
    RingView* ring = slot->ring;
    if (ring->context_bytes >= kHasAppContexts && payload.app == nullptr) return Ending::kValues;
    std::uint32_t index = 0;
    Outcome outcome = Outcome::kBusy;
    if (aborts < kMaxAborts && ring->rseq_index_count != 0)
      outcome = attempt_rseq(slot, serial, payload, &index);
    if (outcome == Outcome::kBusy) outcome = attempt_locked(slot, serial, payload, &index);
    switch (outcome) {
      case Outcome::kDone: return Ending::kOver;
      case Outcome::kAgain: aborts++; break;
      case Outcome::kTooBig: count_lost(ring, index, SILLAGE_LOST_TOO_BIG); return Ending::kOver;
      case Outcome::kFull:
        aborts = 0;
        if (!wait_for_room(ring, &waiting_since)) {
          count_lost(ring, index, waiting_since == 0 ? SILLAGE_LOST_FULL : SILLAGE_LOST_TIMEOUT);
          return Ending::kOver;
        }
        break;
      case Outcome::kBusy:
        // Every holder was preempted inside its few hundred nanoseconds: let them run.
        if (busy++ >= kMaxAborts && !wait_for_room(ring, &waiting_since)) {
          count_lost(ring, index, SILLAGE_LOST_BUSY);
          return Ending::kOver;
        }
        yield_cpu();
        break;
    }
  }
}

/// Values are taken before anything is reserved: the application's code runs meanwhile, for as long as it likes, and may
/// record events itself.
[[gnu::noinline, gnu::cold]] void record_with_values(sillage_slot* slot, const Payload& payload) {
  for (;;) {
    const std::uint32_t serial = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
    if (serial == 0 || (payload.serial != 0 && serial != payload.serial)) return;
    RingView* ring = slot->ring;
    ValueRoom room;
    Payload with_values = payload;
    if (ring->context_bytes >= kHasAppContexts) {
      const AppValues* values = take_app_values(ring, payload.ip, &room);
      if (values == nullptr) {
        count_lost(ring, 0, SILLAGE_LOST_TOO_BIG);
        return;
      }
      with_values.app = values;
      with_values.serial = serial;
    }
    const Ending ending = record(slot, with_values);
    give_back(&room);
    if (ending == Ending::kOver) return;
  }
}

}  // namespace

void record_slow(sillage_slot* slot, const Payload& payload) {
  if (__builtin_expect(record(slot, payload) == Ending::kValues, 0))
    record_with_values(slot, payload);
}

}  // namespace sillage::probe
