// SPDX-License-Identifier: MIT
// The entry points of an event: from an open gate to every channel that records it.
#include <sillage/site.h>
#include "probe/context.hpp"
#include "probe/filter_machine.hpp"
#include "probe/foreign_sites.h"
#include "probe/image.hpp"
#include "probe/short_way.hpp"
#include "probe/strings.hpp"
#include "probe/writer.hpp"

#include <cstring>

using namespace sillage::probe;

namespace sillage::probe {
__thread ContextCache t_context_cache;
}

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

#if defined(__x86_64__)
/// Records behind contexts that the thread has at hand, if it has. `expected` as below.
[[gnu::always_inline]] inline bool record_with_cached_contexts(sillage_slot* slot,
                                                               const void* payload,
                                                               std::uint32_t bytes,
                                                               std::uint32_t expected) {
  const std::uint32_t serial =
      expected != 0 ? expected : __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
  const RingView* ring = slot->ring;
  const ContextCache* cache = &t_context_cache;
  const std::uint32_t fills = __atomic_load_n(&cache->fills, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (serial == 0 || fills % 2 != 0 || cache->ring != ring ||
      cache->process_serial != fork_wiped()->serial || slot->id >= SILLAGE_RECORD_ID_EXTENDED ||
      bytes > kScratchBytes - kMaxCachedContextBytes)
    return false;
  const std::uint32_t context_bytes = ring->context_bytes;
  alignas(16) char scratch[kScratchBytes];
  for (std::uint32_t done = 0; done < context_bytes; done += 16)
    std::memcpy(scratch + done, cache->bytes + done, 16);
  const std::uint64_t until = cache->until_ns;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  if (__atomic_load_n(&cache->fills, __ATOMIC_RELAXED) != fills) return false;
  copy_small(scratch + context_bytes, payload, bytes);
  const std::uint32_t total = context_bytes + bytes;
  return rseq_record_until(slot, serial, until, total, scratch, total < 16 ? 0 : total - 16);
}
#endif

/// Assembles contexts and payload, then publishes both in one block. `expected` is Payload::serial.
[[gnu::noinline]] void assemble_with_contexts(sillage_slot* slot, const void* payload,
                                              std::uint32_t bytes, std::uint64_t ip,
                                              std::uint32_t expected) {
#if defined(__x86_64__)
  const RingView* ring = slot->ring;
  std::uint32_t context_bytes = ring->context_bytes;
  if (__builtin_expect(context_bytes + bytes + 16 <= kScratchBytes, 1)) {
    alignas(16) char scratch[kScratchBytes];
    std::uint64_t total = context_bytes + bytes;
    Place place;
    if (__builtin_expect(slot->id < SILLAGE_RECORD_ID_EXTENDED &&
                             find_place(slot, SILLAGE_RECORD_COMPACT_BYTES + total, &place) &&
                             (expected == 0 || place.publication.serial == expected),
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
  record_slow(slot, Payload{&piece, 1, bytes, ip, expected});
}

[[gnu::noinline]] void record_with_contexts(sillage_slot* slot, const void* payload,
                                            std::uint32_t bytes, std::uint64_t ip,
                                            std::uint32_t expected) {
#if defined(__x86_64__)
  if (__builtin_expect(record_with_cached_contexts(slot, payload, bytes, expected), 1)) return;
#endif
  assemble_with_contexts(slot, payload, bytes, ip, expected);
}

/// Records an event that the slot's filter, as it was with this serial, wants; 16 bytes of `payload` can be read.
[[gnu::always_inline]] inline void record_accepted(sillage_slot* slot, std::uint32_t serial,
                                                   const void* payload, std::uint32_t bytes,
                                                   std::uint64_t ip) {
  if (slot->ring->context_bytes != 0) {
    record_with_contexts(slot, payload, bytes, ip, serial);
    return;
  }
#if defined(__x86_64__)
  if (slot->is_short != 0 &&
      rseq_record_accepted(slot, serial, bytes, payload, bytes < 16 ? 0 : bytes - 16))
    return;
#endif
  if (slot->ring->rseq_index_count == 0 && record_locked(slot, payload, bytes, serial)) return;
  Piece piece = {payload, bytes, 0};
  record_slow(slot, Payload{&piece, 1, bytes, ip, serial});
}

/// Fields that are not recorded, for filters.
struct Unwritten {
  const sillage_part* parts = nullptr;
  std::uint32_t count = 0;
};

/// Records a payload in one piece on a slot that has a filter, if that wants it; 16 bytes of it can be read.
[[gnu::noinline]] void record_filtered(sillage_slot* slot, const void* payload, std::uint32_t bytes,
                                       std::uint64_t ip, Unwritten unwritten = {}) {
  // What follows is of the configuration with this serial, or is not recorded.
  std::uint32_t serial = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
  const Filter* filter = slot->filter;
  if (serial == 0 || filter == nullptr) return;
  if (filter_accepts_bytes(filter, slot->event, payload, bytes, slot->ring, ip, unwritten.parts,
                           unwritten.count)) {
    record_accepted(slot, serial, payload, bytes, ip);
  } else {
    count_rejected(slot->ring);
  }
}

/// Records a payload that lies in one piece, on every channel. `is_assembled` from parts: filters have seen those, and a
/// slot that has got one since is left out.
[[gnu::always_inline]] inline void record_bytes(sillage_slot* slot, const void* payload,
                                                std::uint32_t bytes,
                                                [[maybe_unused]] bool can_overread,
                                                bool is_assembled, std::uint64_t ip,
                                                Unwritten unwritten = {}) {
  for (; slot != nullptr; slot = slot->next) {
    if (__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) == 0) continue;
    if (slot->ring->context_bytes != 0 && slot->filter == nullptr) {
      record_with_contexts(slot, payload, bytes, ip, 0);
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
    if (slot->filter != nullptr) {
      if (!is_assembled) record_filtered(slot, payload, bytes, ip, unwritten);
      continue;
    }
    if (slot->ring->rseq_index_count == 0 && record_locked(slot, payload, bytes, 0)) continue;
    Piece piece = {payload, bytes, 0};
    record_slow(slot, Payload{&piece, 1, bytes, ip, 0});
  }
}

/// Three words on this slot and those behind it, whatever it takes.
[[gnu::noinline]] void record_words(sillage_slot* slot, std::uint32_t bytes, std::uint64_t w0,
                                    std::uint64_t w1, std::uint64_t w2, std::uint64_t ip) {
  const std::uint64_t words[4] = {w0, w1, w2, 0};
  for (; slot != nullptr; slot = slot->next) {
    if (__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) == 0) continue;
    if (slot->filter != nullptr) {
      record_filtered(slot, words, bytes, ip);
      continue;
    }
    if (slot->ring->context_bytes != 0) {
      record_with_contexts(slot, words, bytes, ip, 0);
      continue;
    }
#if defined(__x86_64__)
    if (rseq_record_words(slot, bytes, VectorWord(w0).value, VectorWord(w1).value,
                          VectorWord(w2).value)) {
      continue;
    }
#endif
    if (slot->ring->rseq_index_count == 0 && record_locked(slot, words, bytes, 0)) continue;
    Piece piece = {words, bytes, 0};
    record_slow(slot, Payload{&piece, 1, bytes, ip, 0});
  }
}

/// The same for a chain that begins with a filter. Most often there is nothing else, and its tests say no: for that no more
/// is set up than they need.
[[gnu::noinline]] void record_filtered_words(sillage_slot* slot, std::uint32_t bytes,
                                             std::uint64_t w0, std::uint64_t w1, std::uint64_t w2,
                                             std::uint64_t ip) {
  const Filter* filter = slot->filter;
  // An inactive slot, or one that has just lost its filter, is not judged by what is left there.
  const bool is_active = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) != 0;
  if (__builtin_expect(is_active && filter != nullptr && slot->next == nullptr, 1)) {
    const std::uint64_t words[3] = {w0, w1, w2};
    if (__builtin_expect(bytes >= filter->prefix_bytes, 1)) {
      const FilterTarget target = run_tests(filter, reinterpret_cast<const char*>(words));
      if (target.kind == FilterTarget::kAnswer && target.at == 0) {
        count_rejected(slot->ring);
        return;
      }
    }
  }
  record_words(slot, bytes, w0, w1, w2, ip);
}

[[gnu::noinline, gnu::cold]] void refresh_and_record(sillage_site* site, std::uint32_t bytes,
                                                     std::uint64_t w0, std::uint64_t w1,
                                                     std::uint64_t w2, std::uint64_t ip) {
  record_words(current_slots(site), bytes, w0, w1, w2, ip);
}

/// Measures the parts of a payload that are recorded; returns how many there are.
std::uint32_t measure_parts(const sillage_part* parts, std::uint32_t count, Piece* pieces,
                            std::uint64_t* total) {
  std::uint32_t used = 0;
  *total = 0;
  for (std::uint32_t i = 0; i < count; i++) {
    if ((parts[i].kind & SILLAGE_PART_NOWRITE) != 0) continue;
    pieces[used] = measure(parts[i]);
    *total += pieces[used].bytes;
    used++;
  }
  return used;
}

/// Payloads too large for the scratch: measured here, copied by the writer itself.
[[gnu::noinline, gnu::cold]] void record_large(sillage_slot* slot, const sillage_part* parts,
                                               std::uint32_t count, std::uint64_t ip) {
  Piece pieces[kMaxParts];
  std::uint64_t total = 0;
  std::uint32_t used = measure_parts(parts, count, pieces, &total);
  for (; slot != nullptr; slot = slot->next) {
    if (__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) == 0 || slot->filter != nullptr) continue;
    record_slow(slot, Payload{pieces, used, total, ip, 0});
  }
}
/// The same for an event that a slot's filter, as it was with this serial, wants.
[[gnu::noinline, gnu::cold]] void record_large_accepted(sillage_slot* slot, std::uint32_t serial,
                                                        const sillage_part* parts,
                                                        std::uint32_t count, std::uint64_t ip) {
  Piece pieces[kMaxParts];
  std::uint64_t total = 0;
  std::uint32_t used = measure_parts(parts, count, pieces, &total);
  record_slow(slot, Payload{pieces, used, total, ip, serial});
}

/// Assembles the parts that are recorded; their bytes, or UINT32_MAX if there is no room. `to` has kScratchBytes.
[[gnu::always_inline]] inline std::uint32_t assemble(const sillage_part* parts, std::uint32_t count,
                                                     char* scratch) {
  // The last 32 bytes are room for whole blocks.
  std::uint32_t room = kScratchBytes - 32;
  char* to = scratch;
  for (std::uint32_t i = 0; i < count; i++) {
    if ((parts[i].kind & SILLAGE_PART_NOWRITE) != 0) continue;
    std::uint32_t left = room - static_cast<std::uint32_t>(to - scratch);
    char* end = append_part(parts[i], to, left);
    if (__builtin_expect(end == nullptr, 0)) return UINT32_MAX;
    to = end;
  }
  return static_cast<std::uint32_t>(to - scratch);
}

/// Records a payload in parts on a chain in which there are filters: it is assembled once the first wants it.
[[gnu::noinline]] void record_filtered_parts(sillage_slot* slot, const sillage_part* parts,
                                             std::uint32_t count, std::uint64_t ip) {
  alignas(16) char scratch[kScratchBytes];
  std::uint32_t bytes = 0;
  bool is_assembled = false;
  for (; slot != nullptr; slot = slot->next) {
    std::uint32_t serial = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
    if (serial == 0) continue;
    const Filter* filter = slot->filter;
    if (filter != nullptr &&
        !filter_accepts(filter, FilterEvent{slot->event, parts, count, slot->ring, ip})) {
      count_rejected(slot->ring);
      continue;
    }
    if (!is_assembled) bytes = assemble(parts, count, scratch);
    is_assembled = true;
    if (bytes == UINT32_MAX) {
      record_large_accepted(slot, serial, parts, count, ip);
    } else {
      record_accepted(slot, serial, scratch, bytes, ip);
    }
  }
}

/// Records a payload in parts on every channel.
[[gnu::noinline]] void record_parts(sillage_slot* slot, const sillage_part* parts,
                                    std::uint32_t count, std::uint64_t ip) {
  if (__builtin_expect(slot->chain_filters != 0, 0))
    return record_filtered_parts(slot, parts, count, ip);
  alignas(16) char scratch[kScratchBytes];
  std::uint32_t bytes = assemble(parts, count, scratch);
  if (__builtin_expect(bytes == UINT32_MAX, 0)) {
    record_large(slot, parts, count, ip);
    return;
  }
  record_bytes(slot, scratch, bytes, true, true, ip);
}

/// Of the library that brings tracepoints of another kind.
void (*g_in_children)();

/// An event came with slots that are not of this process, or of no channel: in a fork child perhaps its first.
[[gnu::noinline, gnu::cold]] void look_for_child() {
  if (g_in_children != nullptr) g_in_children();
}

/// The slots of a foreign site, for an event that is recorded next.
[[gnu::always_inline]] inline sillage_slot* foreign_slots(sillage_site* site, bool* is_stale) {
  sillage_slot* slot = __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
  const std::uint64_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);
  *is_stale = slot == nullptr || slot->applied != gate;
  if (__builtin_expect(*is_stale, 0)) return refresh_slots(site, gate);
  *is_stale = __atomic_load_n(&slot->serial, __ATOMIC_RELAXED) == 0;
  return slot;
}

/// Three words of a foreign site on this slot, which is not of the shortest way, and those behind it.
[[gnu::noinline]] int record_foreign_words(sillage_slot* slot, std::uint32_t bytes,
                                           std::uint64_t w0, std::uint64_t w1, std::uint64_t w2,
                                           std::uint64_t ip) {
  const bool is_stale = __atomic_load_n(&slot->serial, __ATOMIC_RELAXED) == 0;
  if (slot->filter == nullptr)
    record_words(slot, bytes, w0, w1, w2, ip);
  else
    record_filtered_words(slot, bytes, w0, w1, w2, ip);
  if (__builtin_expect(is_stale, 0)) look_for_child();
  return 1;
}

/// A payload in one piece of a foreign site on these slots; 16 bytes of it can be read.
[[gnu::noinline]] void record_foreign_bytes(sillage_slot* slot, const void* payload,
                                            std::uint32_t bytes, std::uint64_t ip,
                                            Unwritten unwritten = {}) {
  const bool is_stale = __atomic_load_n(&slot->serial, __ATOMIC_RELAXED) == 0;
  record_bytes(slot, payload, bytes, true, false, ip, unwritten);
  if (__builtin_expect(is_stale, 0)) look_for_child();
}

[[gnu::noinline, gnu::cold]] int refresh_foreign_words(sillage_site* site, std::uint32_t bytes,
                                                       std::uint64_t w0, std::uint64_t w1,
                                                       std::uint64_t w2, std::uint64_t ip) {
  record_words(current_slots(site), bytes, w0, w1, w2, ip);
  look_for_child();
  return 1;
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
    if (__builtin_expect(!rseq_record_word(slot, bytes, v0.value), 0)) {
      if (slot->filter == nullptr)
        return record_words(slot, bytes, v0.word(), 0, 0, caller(__builtin_return_address(0)));
      return record_filtered_words(slot, bytes, v0.word(), 0, 0,
                                   caller(__builtin_return_address(0)));
    }
    if (__builtin_expect(slot->next == nullptr, 1)) return;
    return record_words(slot->next, bytes, v0.word(), 0, 0, caller(__builtin_return_address(0)));
  }
  VectorWord v0(w0), v1(w1), v2(w2);
  if (__builtin_expect(!rseq_record_words(slot, bytes, v0.value, v1.value, v2.value), 0)) {
    if (slot->filter == nullptr)
      return record_words(slot, bytes, v0.word(), v1.word(), v2.word(),
                          caller(__builtin_return_address(0)));
    return record_filtered_words(slot, bytes, v0.word(), v1.word(), v2.word(),
                                 caller(__builtin_return_address(0)));
  }
  if (__builtin_expect(slot->next == nullptr, 1)) return;
  slot = slot->next;
  return record_words(slot, bytes, v0.word(), v1.word(), v2.word(),
                      caller(__builtin_return_address(0)));
#else
  if (slot->filter != nullptr)
    return record_filtered_words(slot, bytes, w0, w1, w2, caller(__builtin_return_address(0)));
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
    record_bytes(slot, block, bytes, true, false, ip);
  } else {
    record_bytes(slot, payload, bytes, false, false, ip);
  }
}

int sillage_emit_foreign_words(sillage_site* site, std::uint32_t bytes, std::uint64_t w0,
                               std::uint64_t w1, std::uint64_t w2, const void* ip) {
  sillage_slot* slot = __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
  std::uint64_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);
  const auto from = reinterpret_cast<std::uintptr_t>(ip);
  if (__builtin_expect(slot == nullptr || slot->applied != gate, 0))
    return refresh_foreign_words(site, bytes, w0, w1, w2, from);
#if defined(__x86_64__)
  VectorWord at(from), v0(w0);
  if (__builtin_expect(bytes <= 8, 1)) {
    if (__builtin_expect(rseq_record_word(slot, bytes, v0.value), 1)) {
      slot = slot->next;
      if (__builtin_expect(slot == nullptr, 1)) return 1;
    }
    return record_foreign_words(slot, bytes, v0.word(), 0, 0, at.word());
  }
  VectorWord v1(w1), v2(w2);
  if (__builtin_expect(rseq_record_words(slot, bytes, v0.value, v1.value, v2.value), 1)) {
    slot = slot->next;
    if (__builtin_expect(slot == nullptr, 1)) return 1;
  }
  return record_foreign_words(slot, bytes, v0.word(), v1.word(), v2.word(), at.word());
#else
  return record_foreign_words(slot, bytes, w0, w1, w2, from);
#endif
}

void sillage_emit_foreign_parts(sillage_site* site, const sillage_part* parts, std::uint32_t count,
                                const void* ip) {
  bool is_stale;
  sillage_slot* slot = foreign_slots(site, &is_stale);
  if (slot != nullptr && count <= kMaxParts)
    record_parts(slot, parts, count, reinterpret_cast<std::uintptr_t>(ip));
  if (__builtin_expect(is_stale, 0)) look_for_child();
}

void sillage_emit_foreign_bytes(sillage_site* site, const void* payload, std::uint32_t bytes,
                                const void* ip) {
  sillage_slot* slot = __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
  const std::uint64_t gate = __atomic_load_n(site->gate, __ATOMIC_RELAXED);
  if (__builtin_expect(slot == nullptr || slot->applied != gate, 0))
    return sillage_emit_foreign_payload(site, payload, bytes, ip, nullptr, 0);
#if defined(__x86_64__)
  VectorWord at(reinterpret_cast<std::uintptr_t>(ip));
  if (__builtin_expect(rseq_record_block(slot, bytes, payload, bytes < 16 ? 0 : bytes - 16), 1)) {
    slot = slot->next;
    if (__builtin_expect(slot == nullptr, 1)) return;
  } else if (slot->filter != nullptr && slot->next == nullptr && slot->serial != 0) {
    return record_filtered(slot, payload, bytes, at.word());
  }
  return record_foreign_bytes(slot, payload, bytes, at.word());
#else
  return record_foreign_bytes(slot, payload, bytes, reinterpret_cast<std::uintptr_t>(ip));
#endif
}

void sillage_emit_foreign_payload(sillage_site* site, const void* payload, std::uint32_t bytes,
                                  const void* ip, const sillage_part* unwritten,
                                  std::uint32_t count) {
  bool is_stale;
  sillage_slot* slot = foreign_slots(site, &is_stale);
  if (slot != nullptr)
    record_foreign_bytes(slot, payload, bytes, reinterpret_cast<std::uintptr_t>(ip),
                         {unwritten, count});
  if (__builtin_expect(is_stale, 0)) look_for_child();
}

void sillage_call_in_children(void (*function)(void)) { g_in_children = function; }

void sillage_emit_parts(sillage_site* site, const sillage_part* parts, std::uint32_t count) {
  sillage_slot* slot = current_slots(site);
  if (slot == nullptr || count > kMaxParts) return;
  record_parts(slot, parts, count, caller(__builtin_return_address(0)));
}

}  // extern "C"
