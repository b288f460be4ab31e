/* SPDX-License-Identifier: MIT */
/*
 * The ring: what a traced program and the collector share. This header is the specification.
 *
 * Who relies on it: src/probe (writes), src/ring (reads). Both sides may come from different releases:
 * major differs = refuse, minor differs = new fields only behind old ones. Only fixed-width types appear,
 * so that 32-bit programs and a 64-bit collector share one ring. Byte order is the machine's.
 *
 * One ring is one sealed memfd (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), or a file that outlives the machine, made by the
 * collector:
 *
 *   0                    struct sillage_ring_header, written once by the collector before anyone maps it
 *   streams_offset       stream_count control areas, stream_stride bytes apart:
 *                          struct sillage_ring_stream, then subbuf_count x struct sillage_ring_entry
 *   data_offset          stream_count data areas, data_stride bytes apart:
 *                          subbuf_count x subbuf_bytes, then SILLAGE_RING_SLACK bytes nobody reads
 *
 * Streams [0, index_count) are written only inside restartable sequences (rseq), one per CPU (or per
 * mm_cid, see SILLAGE_RING_BY_MM_CID). Streams [index_count, stream_count) are written only under the
 * stream's `owner` try-lock, by programs or threads that cannot use rseq. The two kinds never mix, and a
 * reader cannot tell them apart: in both, everything below `position` is final.
 *
 * A ring with index_count 0 is one buffer for all CPUs, to save memory: all its streams are try-locked ones, and writers take
 * the first that is free from stream 0 on. So the others have memory only once writers have met.
 *
 * The position is reserve and commit in one. A writer loads it, reads the clock, copies its record behind
 * it and stores the new position, which is the only store that publishes anything:
 *
 *   63          40 39                                   0
 *   +-------------+--------------------------------------+
 *   | event count |     bytes, free running, mod 2^40    |
 *   +-------------+--------------------------------------+
 *
 * The count makes loss exact where sub-buffers are overwritten: it costs nothing, as it travels in the
 * same store. Both parts wrap; every comparison is modular. A sub-buffer is never filled to its last byte,
 * so a position on a boundary always means "the sub-buffer that starts here, begun, still empty".
 *
 * Sub-buffer switch, in one section: fill the entry of the new sub-buffer, then store the position at its
 * start. An entry is therefore final for every sub-buffer at or below the current one, until the switch
 * that takes its place n sub-buffers later writes over it *before* publishing: a reader keeps what it
 * copied from sub-buffer k only if, after the copy, current <= k + subbuf_count - 2.
 */
#ifndef SILLAGE_ABI_RING_H
#define SILLAGE_ABI_RING_H

#include <stdint.h>

#define SILLAGE_RING_MAGIC UINT64_C(0x31676e6972736c73) /* "slsring1" */
#define SILLAGE_RING_ABI_MAJOR 1
#define SILLAGE_RING_ABI_MINOR 1 /* 1: rejected */

/* 40 bits: 1 TiB between equal positions, over 20 minutes at memory speed, and 24 bits of count are enough
 * for the records of any sub-buffer of SILLAGE_RING_MAX_SUBBUF_BYTES (a record is 4 bytes or more). */
#define SILLAGE_RING_POSITION_BITS 40
#define SILLAGE_RING_BYTES_MASK ((UINT64_C(1) << SILLAGE_RING_POSITION_BITS) - 1)
#define SILLAGE_RING_ONE_EVENT (UINT64_C(1) << SILLAGE_RING_POSITION_BITS)
#define SILLAGE_RING_MIN_SUBBUF_BYTES UINT64_C(4096)
#define SILLAGE_RING_MAX_SUBBUF_BYTES (UINT64_C(32) << 20)
#define SILLAGE_RING_MAX_BYTES (UINT64_C(1) << 38) /* one stream's data: far below the 40 bits */

/* Writers store whole words and 16-byte blocks, up to this far behind what they publish. They keep that
 * much free at a sub-buffer's end, so the slack behind the last one is the only place outside. */
#define SILLAGE_RING_OVERCOPY 32
#define SILLAGE_RING_SLACK 4096

/* Event record header, CTF "compact": 5 bits of id, 27 of time in ns; id 31 says that a u32 id and a u64
 * time follow, packed (13 bytes in all). Compact headers are used only while time >> 26 is that of the
 * stream's last full time (sub-buffer begin or extended header), so one wrap of 27 bits is never missed. */
#define SILLAGE_RECORD_ID_BITS 5
#define SILLAGE_RECORD_ID_EXTENDED 31u
#define SILLAGE_RECORD_COMPACT_BYTES 4
#define SILLAGE_RECORD_EXTENDED_BYTES 13
#define SILLAGE_RECORD_EPOCH_BITS 26

/* Streams of a ring with index_count 0: as many writers at a time, those that were stopped inside one included. */
#define SILLAGE_RING_SHARED_STREAMS 4u

enum sillage_ring_flags {
  /* oldest sub-buffer is lost when full; else the newest event is */
  SILLAGE_RING_OVERWRITE = 1u << 0,
  /* stream index = rseq mm_cid instead of cpu_id: per-process rings */
  SILLAGE_RING_BY_MM_CID = 1u << 1,
};

enum sillage_lost_cause {
  SILLAGE_LOST_FULL = 0,    /* discard mode: no free sub-buffer */
  SILLAGE_LOST_TOO_BIG = 1, /* record larger than a sub-buffer can hold */
  SILLAGE_LOST_BUSY = 2,    /* every try-locked stream taken (never with rseq) */
  SILLAGE_LOST_TIMEOUT = 3, /* blocking channel: waited blocking_timeout_ns in vain */
  SILLAGE_LOST_CAUSES = 8,  /* slots in the ring; unknown ones are summed as "other" */
};

struct sillage_ring_header {
  uint64_t magic;
  uint32_t abi_major, abi_minor;
  uint64_t total_bytes;         /* of the memory */
  uint64_t subbuf_bytes;        /* power of two, MIN..MAX_SUBBUF_BYTES */
  uint32_t subbuf_count;        /* power of two, 2 or more */
  uint32_t index_count;         /* rseq streams: possible CPUs; 0: one buffer for all */
  uint32_t stream_count;        /* all streams: 2 * index_count, or SHARED_STREAMS */
  uint32_t flags;               /* enum sillage_ring_flags */
  uint64_t blocking_timeout_ns; /* discard mode: 0 = never wait, UINT64_MAX = for ever */
  uint64_t streams_offset, stream_stride;
  uint64_t data_offset, data_stride;
  uint8_t reserved[32];
  /* Its own line: the collector sets `armed` before it sleeps; a writer that switches sub-buffers and finds
   * it set swaps it to 0, adds 1 to `doorbell` and wakes the futex there. Lost wake-ups cost one timer period. */
  uint32_t doorbell __attribute__((aligned(128)));
  uint32_t armed;
};

struct sillage_ring_stream {
  /* Writers' line. */
  uint64_t position __attribute__((aligned(128)));
  /* time >> EPOCH_BITS of the last full time; stored after publishing: too old a value is
   * safe (it costs an extended header), a value of the future cannot be */
  uint64_t epoch;
  uint64_t owner; /* try-locked streams: 0, or (registration << 32 | tid) of the writer inside */
  /* Try-locked streams, for owners alone: the latest time used. The clock may be read before the word was taken, by
   * some nanoseconds; an owner takes this instead if its own reading is older. */
  uint64_t latest_ns;
  /* Reader's line: bytes part of the first position not yet released; writers read it when they switch. It
   * goes back by up to subbuf_count - 2 sub-buffers while memory of free ones is given back to the system. */
  uint64_t consumed __attribute__((aligned(128)));
  /* Loss, by cause: lock-added by writers, only when something is lost. */
  uint64_t lost[SILLAGE_LOST_CAUSES] __attribute__((aligned(128)));
  /* Events that a filter did not want, since minor version 1: in restartable sequences on streams written in such, lock-added
   * on try-locked ones. */
  uint64_t rejected;
};

struct sillage_ring_entry {
  uint64_t sequence; /* number of the sub-buffer, 64 bits; slot is sequence % subbuf_count */
  uint64_t begin_ns; /* clock read by the switch: >= every record before, <= every record inside */
  uint64_t events;   /* records published in this stream before this sub-buffer, 64 bits */
  uint64_t previous_end; /* position (packed) where the previous sub-buffer's records end */
  uint64_t lost;         /* sum of lost[] when the sub-buffer was begun */
  uint64_t reserved[3];
} __attribute__((aligned(64)));

#endif
