// SPDX-License-Identifier: MIT
// The entry points of an event: from an open gate to every channel that records it.
#include <sillage/site.h>
#include "probe/context.hpp"
#include "probe/foreign_sites.h"
#include "probe/image.hpp"
#include "probe/short_way.hpp"
#include "probe/strings.hpp"
#include "probe/writer.hpp"

#include <cstring>

using namespace sillage::probe;

namespace {

/// The slots of a site whose gate is open, brought up to date if the gate's configuration is new.
[[gnu::always_inline]] inline sillage_slot* current_slots(sillage_site* site) {
  sillage_slot* slot = __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
  std::uint64_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);
  if (__builtin_expect(slot == nullptr || slot->applied != gate, 0))
    slot = refresh_slots(site, gate);
  return slot;
}

constexpr std::uint32_t kScratchBytes = 704;

/// Assembles contexts and payload, then publishes both in one block.
[[gnu::noinline]] void record_with_contexts(sillage_slot* slot, const void* payload,
                                            std::uint32_t bytes, std::uint64_t ip) {
#if defined(__x86_64__)
  const RingView* ring = slot->ring;
  std::uint32_t context_bytes = ring->context_bytes;
  if (__builtin_expect(context_bytes + bytes + 16 <= kScratchBytes, 1)) {
    alignas(16) char scratch[kScratchBytes];
    std::uint64_t total = context_bytes + bytes;
    Place place;
    if (__builtin_expect(slot->id < SILLAGE_RECORD_ID_EXTENDED &&
                             find_place(slot, SILLAGE_RECORD_COMPACT_BYTES + total, &place),
                         1)) {
      // Behind find_place(): if the thread moves from here on, the section fails, so cpu_id is right.
      copy_small(write_contexts(ring, place.time, ip, scratch), payload, bytes);
      if (__builtin_expect(
              slot->ring == ring && rseq_publish_block(place.publication, place.to, place.header,
                                                       scratch, total < 16 ? 16 : total),
              1)) {
        return;
      }
    }
  }
#endif
  Piece piece = {payload, bytes, 0};
  record_slow(slot, Payload{&piece, 1, bytes, ip});
}

/// Records a payload that lies in one piece, on every channel.
[[gnu::always_inline]] inline void record_bytes(sillage_slot* slot, const void* payload,
                                                std::uint32_t bytes,
                                                [[maybe_unused]] bool can_overread,
                                                std::uint64_t ip) {
  for (; slot != nullptr; slot = slot->next) {
    if (__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) == 0) continue;
    if (slot->ring->context_bytes != 0) {
      record_with_contexts(slot, payload, bytes, ip);
      continue;
    }
#if defined(__x86_64__)
    if (__builtin_expect(bytes >= 16 || can_overread, 1)) {
      std::uint64_t last = bytes < 16 ? 0 : bytes - 16;
      if (__builtin_expect(rseq_record_block(slot, bytes, payload, last), 1)) {
        continue;
      }
    }
#endif
    if (slot->ring->rseq_index_count == 0 && record_locked(slot, payload, bytes)) continue;
    Piece piece = {payload, bytes, 0};
    record_slow(slot, Payload{&piece, 1, bytes, ip});
  }
}

/// Three words on this slot and those behind it, whatever it takes.
[[gnu::noinline]] void record_words(sillage_slot* slot, std::uint32_t bytes, std::uint64_t w0,
                                    std::uint64_t w1, std::uint64_t w2, std::uint64_t ip) {
  const std::uint64_t words[4] = {w0, w1, w2, 0};
  for (; slot != nullptr; slot = slot->next) {
    if (__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) == 0) continue;
    if (slot->ring->context_bytes != 0) {
      record_with_contexts(slot, words, bytes, ip);
      continue;
    }
#if defined(__x86_64__)
    if (rseq_record_words(slot, bytes, VectorWord(w0).value, VectorWord(w1).value,
                          VectorWord(w2).value)) {
      continue;
    }
#endif
    if (slot->ring->rseq_index_count == 0 && record_locked(slot, words, bytes)) continue;
    Piece piece = {words, bytes, 0};
    record_slow(slot, Payload{&piece, 1, bytes, ip});
  }
}

[[gnu::noinline, gnu::cold]] void refresh_and_record(sillage_site* site, std::uint32_t bytes,
                                                     std::uint64_t w0, std::uint64_t w1,
                                                     std::uint64_t w2, std::uint64_t ip) {
  record_words(current_slots(site), bytes, w0, w1, w2, ip);
}

/// Payloads too large for the scratch: measured here, copied by the writer itself.
[[gnu::noinline, gnu::cold]] void record_large(sillage_slot* slot, const sillage_part* parts,
                                               std::uint32_t count, std::uint64_t ip) {
  Piece pieces[kMaxParts];
  std::uint64_t total = 0;
  std::uint32_t used = 0;
  for (std::uint32_t i = 0; i < count; i++) {
    if ((parts[i].kind & SILLAGE_PART_NOWRITE) != 0) continue;
    pieces[used] = measure(parts[i]);
    total += pieces[used].bytes;
    used++;
  }
  for (; slot != nullptr; slot = slot->next) {
    if (__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) == 0) continue;
    record_slow(slot, Payload{pieces, used, total, ip});
  }
}

/// A payload that is known to have room behind it, on this slot and those behind it.
[[gnu::noinline]] void record_assembled(sillage_slot* slot, const void* payload,
                                        std::uint32_t bytes, std::uint64_t ip) {
  record_bytes(slot, payload, bytes, true, ip);
}

[[gnu::noinline, gnu::cold]] void refresh_and_record_assembled(sillage_site* site,
                                                               const void* payload,
                                                               std::uint32_t bytes,
                                                               std::uint64_t ip) {
  record_assembled(current_slots(site), payload, bytes, ip);
}

inline std::uint64_t caller(void* return_address) {
  return reinterpret_cast<std::uintptr_t>(return_address);
}

}  // namespace

extern "C" {

// The shortest way there is: one channel, no contexts, compact header. Everything else is a tail call, so
// that few registers have to be saved.
void sillage_emit_words(sillage_site* site, std::uint32_t bytes, std::uint64_t w0, std::uint64_t w1,
                        std::uint64_t w2) {
  sillage_slot* slot = __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
  std::uint64_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);
  if (__builtin_expect(slot == nullptr || slot->applied != gate, 0))
    return refresh_and_record(site, bytes, w0, w1, w2, caller(__builtin_return_address(0)));
#if defined(__x86_64__)
  if (__builtin_expect(bytes <= 8, 1)) {
    VectorWord v0(w0);
    if (__builtin_expect(!rseq_record_word(slot, bytes, v0.value), 0))
      return record_words(slot, bytes, v0.word(), 0, 0, caller(__builtin_return_address(0)));
    if (__builtin_expect(slot->next == nullptr, 1)) return;
    return record_words(slot->next, bytes, v0.word(), 0, 0, caller(__builtin_return_address(0)));
  }
  VectorWord v0(w0), v1(w1), v2(w2);
  if (__builtin_expect(!rseq_record_words(slot, bytes, v0.value, v1.value, v2.value), 0))
    return record_words(slot, bytes, v0.word(), v1.word(), v2.word(),
                        caller(__builtin_return_address(0)));
  if (__builtin_expect(slot->next == nullptr, 1)) return;
  slot = slot->next;
  return record_words(slot, bytes, v0.word(), v1.word(), v2.word(),
                      caller(__builtin_return_address(0)));
#else
  record_words(slot, bytes, w0, w1, w2, caller(__builtin_return_address(0)));
#endif
}

void sillage_emit_bytes(sillage_site* site, const void* payload, std::uint32_t bytes) {
  sillage_slot* slot = current_slots(site);
  if (slot == nullptr) return;
  std::uint64_t ip = caller(__builtin_return_address(0));
  if (bytes < 16) {
    char block[16];
    std::memcpy(block, payload, bytes);
    record_bytes(slot, block, bytes, true, ip);
  } else {
    record_bytes(slot, payload, bytes, false, ip);
  }
}

void sillage_emit_assembled(sillage_site* site, const void* payload, std::uint32_t bytes,
                            const void* ip) {
  auto caller_ip = reinterpret_cast<std::uintptr_t>(ip);
  sillage_slot* slot = __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
  std::uint64_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);
  if (__builtin_expect(slot == nullptr || slot->applied != gate, 0))
    return refresh_and_record_assembled(site, payload, bytes, caller_ip);
#if defined(__x86_64__)
  bool is_done;
  if (bytes <= 24) {
    std::uint64_t words[3];
    std::memcpy(words, payload, sizeof words);
    is_done = rseq_record_words(slot, bytes, VectorWord(words[0]).value, VectorWord(words[1]).value,
                                VectorWord(words[2]).value);
  } else {
    is_done = rseq_record_block(slot, bytes, payload, bytes - 16);
  }
  if (__builtin_expect(is_done, 1)) {
    slot = slot->next;
    if (__builtin_expect(slot == nullptr, 1)) return;
  }
#endif
  record_assembled(slot, payload, bytes, caller_ip);
}

void sillage_emit_parts(sillage_site* site, const sillage_part* parts, std::uint32_t count) {
  sillage_slot* slot = current_slots(site);
  if (slot == nullptr || count > kMaxParts) return;
  std::uint64_t ip = caller(__builtin_return_address(0));
  alignas(16) char scratch[kScratchBytes];
  // The last 32 bytes are room for whole blocks.
  std::uint32_t room = kScratchBytes - 32;
  char* to = scratch;
  for (std::uint32_t i = 0; i < count; i++) {
    if ((parts[i].kind & SILLAGE_PART_NOWRITE) != 0) continue;
    std::uint32_t left = room - static_cast<std::uint32_t>(to - scratch);
    char* end = append_part(parts[i], to, left);
    if (__builtin_expect(end == nullptr, 0)) {
      record_large(slot, parts, count, ip);
      return;
    }
    to = end;
  }
  record_bytes(slot, scratch, static_cast<std::uint32_t>(to - scratch), true, ip);
}

}  // extern "C"
