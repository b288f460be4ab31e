/* SPDX-License-Identifier: MIT */
/*
 * The clock page: how every writer turns the TSC into CLOCK_MONOTONIC nanoseconds with one multiplication.
 * One sealed memfd per collector, written by it alone, mapped read-only by writers.
 *
 * Time is piecewise linear. Segment `current` holds from its tsc_from on; before that instant the segment
 * before it holds. The collector publishes a segment about a millisecond *before* it begins, so all writers on all CPUs
 * change over at the same TSC value and time neither jumps nor goes back, whenever each of them sees the
 * update. Nobody waits for a half-written update: only the slot after `current` is ever written, and a
 * reader that finds `current` changed by the end of its reading tries again.
 */
#ifndef SILLAGE_ABI_CLOCK_H
#define SILLAGE_ABI_CLOCK_H

#include <stdint.h>

#define SILLAGE_CLOCK_MAGIC UINT64_C(0x316b636f6c636c73) /* "slclock1" */
#define SILLAGE_CLOCK_SEGMENTS 4

enum sillage_clock_mode {
  /* call clock_gettime(CLOCK_MONOTONIC): the kernel does not trust the TSC */
  SILLAGE_CLOCK_MONOTONIC = 0,
  SILLAGE_CLOCK_TSC = 1,
};

struct sillage_clock_segment {
  uint64_t tsc_from;
  uint64_t ns_from;
  uint64_t mult; /* nanoseconds per tick, 32.32 fixed point */
  uint64_t reserved;
};

struct sillage_clock_page {
  uint64_t magic;
  /* enum sillage_clock_mode, for people; writers go by the segments: in MONOTONIC mode every
   * tsc_from is UINT64_MAX, so no segment ever begins. May change at any time. */
  uint32_t mode;
  uint32_t reserved;
  /* Free running; the slot is current % SILLAGE_CLOCK_SEGMENTS. */
  uint32_t current __attribute__((aligned(64)));
  uint32_t reserved2[7];
  struct sillage_clock_segment segment[SILLAGE_CLOCK_SEGMENTS];
};

#endif
