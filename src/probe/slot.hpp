// SPDX-License-Identifier: MIT
// What stands between a tracepoint site and a ring, inside the traced process.
#pragma once

#include "abi/app_protocol.h"
#include "abi/clock.h"
#include "abi/ring.h"

#include <cstddef>
#include <cstdint>

struct sillage_event;

namespace sillage::probe {

struct Filter;
struct RingCounter;

/// In RingView::context_bytes: so much that such a record never goes a short way, and none of these has to ask.
constexpr std::uint32_t kHasAppContexts = 1u << 30;

/// A ring as this process maps it.
///
/// Lifetime: never freed, nor used for another ring: a thread may hold it across any stop. When a ring goes,
///           its memory is replaced by untouched private pages at the same place (ring_map.cpp), so a late
///           writer finds nothing it could harm.
struct RingView {
  // Read for every event.
  struct Stream {
    sillage_ring_stream* control;
    char* data;
  };
  const Stream* at;            // by stream index
  std::uint64_t subbuf_mask;   // subbuf_bytes - 1
  std::uint64_t data_mask;     // subbuf_bytes * subbuf_count - 1
  std::uint64_t subbuf_limit;  // a record must end below it: subbuf_bytes - overcopy
  const sillage_clock_page* clock;
  std::ptrdiff_t rseq_offset;  // of struct rseq, from the thread pointer
  // of the rseq field that is the stream index, from the thread pointer
  std::ptrdiff_t index_offset;
  std::uint32_t rseq_index_count;  // 0 where rseq cannot be used: every index is then out of range
  std::uint32_t
      context_bytes;  // of those of fixed size; with kHasAppContexts added if there are others
  // Read when something special happens.
  sillage_ring_header* header;
  std::uint64_t bytes;
  std::uint64_t blocking_timeout_ns;
  std::uint32_t subbuf_shift, subbuf_count;
  std::uint32_t index_count, stream_count;
  std::uint32_t overwrite;
  std::uint32_t context_count;
  std::uint32_t caches_contexts;    // can_be_cached()
  std::int32_t cpu_context_offset;  // of cpu_id among the contexts; -1: not asked for
  std::uint8_t contexts[SILLAGE_APP_MAX_CONTEXTS];
  // Numbers of the state dumps that were asked for and written (state_dump.cpp, under the library's lock).
  std::uint32_t wanted_dump, done_dump;
  const char*
      app_contexts[SILLAGE_APP_MAX_CONTEXTS];  // by number - SILLAGE_CONTEXT_APP: their names
  const RingCounter* counters;                 // by number - SILLAGE_CONTEXT_COUNTER
  std::uint32_t counter_count;
  // Identity and life (ring_map.cpp, under its lock).
  std::uint64_t device, inode;
  std::uint32_t users;  // images that have it attached
  RingView* next;
};

}  // namespace sillage::probe

/// One channel that records one site. Belongs to that site for the life of the process, so that a thread
/// that stopped in the middle of an event can at worst find it reconfigured, which `serial` shows.
///
/// Lives in memory that fork() wipes: in a child that has not registered yet it reads as inactive.
struct alignas(64) sillage_slot {
  std::uint32_t serial;  // 0 = inactive; else unique to this configuration, never reused
  // the same if the id fits a compact header, no contexts and no filter are asked for and the ring can be written in
  // restartable sequences; else 0
  std::uint32_t short_serial;
  sillage::probe::RingView* ring;
  sillage_slot* next;
  std::uint32_t id;       // event record id
  std::uint64_t applied;  // first slot of a site: the gate this chain was built for
  std::uint32_t domain;   // whose channel it is: enum sillage_domain
  // what short_serial asks of a slot, but for the filter
  std::uint16_t is_short;
  // first slot of a site: one of the chain may have a filter; set before that is active
  std::uint16_t chain_filters;
  const sillage::probe::Filter* filter;  // nullptr: every event is recorded
  const struct sillage_event* event;     // of the site
};
static_assert(sizeof(sillage_slot) == 64);  // one line, all of it read by an event
