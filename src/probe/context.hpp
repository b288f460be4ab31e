// SPDX-License-Identifier: MIT
// Context fields, as the writer puts them between header and payload.
#pragma once

#include "probe/app_context.hpp"
#include "probe/process.hpp"
#include "probe/slot.hpp"

#include <cstdint>
#include <cstring>

namespace sillage::probe {

/// More than any SILLAGE_APP_MAX_CONTEXTS of sillage_app_protocol.h together, each once: procname and 31 of 8 bytes (265).
constexpr std::uint32_t kMaxContextBytes = 272;

/// Bytes of one context in a record; 0 if this library does not know it.
[[nodiscard]] std::uint32_t context_size(std::uint8_t context);

/// What contexts were before anything was reserved; nullptr: nothing was taken.
struct TakenValues {
  const char* app;  ///< AppValues::list
  const std::uint64_t*
      counters;  ///< by number - SILLAGE_CONTEXT_COUNTER; nullptr: they are read when they are written
};

/// Writes the contexts of a ring, ring->context_bytes in all, and those of the application, if it has any. Returns where
/// they end.
///
/// `now` is the event's time, `ip` the address it was called from.
/// Values that a thread can change under us are read again each 100 ms (names, namespaces) or each event
/// (credentials); pid and thread ids are kept until fork().
/// Threads: any; async-signal-safe.
char* write_contexts(const RingView* ring, std::uint64_t now, std::uint64_t ip, char* to,
                     const TakenValues* taken = nullptr);

/// The contexts of the ring that the thread last recorded on, as they stand in a record, if all of them are the thread's and
/// the process's.
///
/// A signal handler may fill it while the thread reads it, which then sees that `fills` has changed. It is odd meanwhile.
struct ContextCache {
  const RingView* ring;
  std::uint32_t process_serial;  ///< of fork_wiped()
  std::uint32_t fills;
  std::uint64_t until_ns;  ///< from this time on some may have changed
  alignas(16) char bytes[96];
};
constexpr std::uint32_t kMaxCachedContextBytes = sizeof ContextCache::bytes;
extern __thread ContextCache t_context_cache __attribute__((visibility("hidden")));

/// Whether a ring with these contexts, of so many bytes, can have its records' contexts cached.
[[nodiscard]] bool can_be_cached(const std::uint8_t* contexts, std::uint32_t count,
                                 std::uint32_t bytes);

/// The CPU this thread runs on.
[[nodiscard]] std::int32_t current_cpu();
/// The kernel's id of this thread, as this process sees it.
[[nodiscard]] std::int32_t thread_id();

void sleep_ns(std::int64_t ns);
void yield_cpu();
/// Wakes the collector that sleeps on a ring.
void ring_doorbell(sillage_ring_header* header);

}  // namespace sillage::probe
