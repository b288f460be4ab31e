// SPDX-License-Identifier: MIT
// The writers' clock: CLOCK_MONOTONIC nanoseconds from the TSC and the collector's clock page.
#pragma once

#include "abi/clock.h"

#include <cstdint>

namespace sillage::probe {

/// CLOCK_MONOTONIC through the vDSO, for machines whose kernel does not trust the TSC.
[[gnu::cold]] std::uint64_t monotonic_ns();

#if defined(__x86_64__) || defined(__i386__)
inline std::uint64_t read_tsc() { return __builtin_ia32_rdtsc(); }
#else
// Other architectures have no clock page mode but MONOTONIC yet.
inline std::uint64_t read_tsc() { return 0; }
#endif

/// (ticks * mult) >> 32 without overflow.
inline std::uint64_t scale_ticks(std::uint64_t ticks, std::uint64_t mult) {
#if defined(__SIZEOF_INT128__)
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(ticks) * mult) >> 32);
#else
  std::uint64_t low = ticks & 0xffffffffu, high = ticks >> 32;
  std::uint64_t mult_low = mult & 0xffffffffu, mult_high = mult >> 32;
  return ((low * mult_low) >> 32) + high * mult_low + low * mult_high + ((high * mult_high) << 32);
#endif
}

/// Returns nanoseconds of CLOCK_MONOTONIC, by the page's conversion.
///
/// Threads: any; async-signal-safe.
/// Cost:     rdtsc, one multiplication, four loads that stay in the first-level cache.
/// Source:   src/abi/clock.h, which says why no reader ever waits.
inline std::uint64_t now_ns(const sillage_clock_page* page) {
  for (;;) {
    // Pairs with the release store of `current` in src/collect's clock keeper.
    std::uint32_t current = __atomic_load_n(&page->current, __ATOMIC_ACQUIRE);
    const sillage_clock_segment* segment = &page->segment[current % SILLAGE_CLOCK_SEGMENTS];
    std::uint64_t tsc = read_tsc();
    if (tsc < __atomic_load_n(&segment->tsc_from, __ATOMIC_RELAXED)) {
      segment = &page->segment[(current - 1) % SILLAGE_CLOCK_SEGMENTS];
      if (__builtin_expect(tsc < __atomic_load_n(&segment->tsc_from, __ATOMIC_RELAXED), 0)) {
        // Without a usable TSC no segment ever begins. But neither had those begun that a thread finds here which was kept
        // from running since it read the counter: the kernel's time may be ahead of what others read from the page.
        std::uint64_t ns = monotonic_ns();
        if (__atomic_load_n(&page->current, __ATOMIC_RELAXED) == current) return ns;
        continue;
      }
    }
    std::uint64_t ns = __atomic_load_n(&segment->ns_from, __ATOMIC_RELAXED) +
                       scale_ticks(tsc - __atomic_load_n(&segment->tsc_from, __ATOMIC_RELAXED),
                                   __atomic_load_n(&segment->mult, __ATOMIC_RELAXED));
    // A slot is rewritten only after `current` has moved on by two: unchanged means what was read is whole.
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&page->current, __ATOMIC_RELAXED) == current, 1))
      return ns;
  }
}

}  // namespace sillage::probe
