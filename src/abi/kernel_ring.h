/* SPDX-License-Identifier: MIT */
/*
 * The kernel ring: what generated eBPF programs and the collector share. This header is the specification.
 *
 * Who relies on it: src/kernel (emits the instructions that write), src/ring (reads). The daemon that reads may be
 * a later one than the daemon that made the ring. Byte order is the machine's.
 *
 * One ring is one BPF_MAP_TYPE_ARRAY with BPF_F_MMAPABLE and one element per possible CPU. Element N is the stream of
 * CPU N, value_size bytes, a multiple of the page:
 *
 *   0            struct sillage_kernel_stream
 *   data_offset  subbuf_count x subbuf_bytes of records, then SILLAGE_KERNEL_RING_SLACK bytes nobody reads
 *
 * Unlike a user's ring (ring.h), where one store publishes a whole record, writers here reserve, write and commit: a
 * program can be interrupted by one that runs in an interrupt or NMI on the same CPU, and programs of uprobes can
 * be preempted. All writers of a stream run on its CPU.
 *
 * `position` is packed as in ring.h: 40 bits of bytes, free running, and 24 bits of events. A writer loads it, reads
 * the clock, and compare-exchanges position + one event + its size. Who loses reads the clock again, so that
 * times never go back within a stream. The record is final once its size was added to the slot's `committed`.
 *
 * A record never crosses into the next sub-buffer, and never ends on the boundary, so that a position on one means
 * "the sub-buffer that starts here, begun, still empty". The writer whose record does not fit any more reserves it at
 * the start of the next sub-buffer instead, in one compare-exchange; the winner then
 *   1. ends the old sub-buffer: fills its entry's end_*, adds the bytes left over to its `committed`;
 *   2. begins the new one: fills its entry's begin part;
 *   3. writes its record and commits it, as everybody does.
 * So `committed` of a slot reaches the next multiple of subbuf_bytes only when every record, the entry's end and the
 * padding are there. The sub-buffer k is closed then, if its entry's `sequence`, stored last of the begin part, says k.
 *
 * Between its exchange and its moves a winner may be interrupted by others that fill and switch sub-buffers. What it
 * has not committed yet (padding, record) keeps the slots it still has to write from being begun again. It may find
 * `events_total` newer than its own exchange, though, and must not put it back: it loads `events_total` before
 * the exchange of `position` (then it counts events up to that position or less, or the exchange fails), and
 * afterwards compare-exchanges it from the value loaded to the one it put into the entry, once.
 *
 *   slot of sub-buffer k     k % subbuf_count
 *   committed, k closed      (k / subbuf_count + 1) * subbuf_bytes, modulo 2^40 / subbuf_count
 *   k may be begun           committed of its slot == k / subbuf_count * subbuf_bytes, modulo the same (else, if the
 *                            position has not moved meanwhile, the event is lost as BUSY);
 *                            discard mode: and k - consumed / subbuf_bytes < subbuf_count (else lost as FULL)
 *
 * The reader reads closed sub-buffers only. To get at the records of an open one it begins the next itself, from
 * user space, as a writer without a record: nothing in the moves depends on the CPU they run on. Having no record that
 * would hold the new sub-buffer open, it makes them in another order: ends the old one, begins the new one, and
 * adds the padding to the old one's `committed` last. Until then the old slot cannot be begun again, so neither can
 * the one behind it, whose entry the reader still writes. `flush_*` say what it is at, in case it is killed there:
 * the next reader finds the old sub-buffer short of its padding alone and nothing uncommitted in the new one (a
 * writer's switch under way has its record uncommitted there), and makes the moves that are missing.
 *
 * In overwrite mode a sub-buffer k that was copied is kept only if, after the copy, the position is still below the
 * start of k + subbuf_count.
 *
 * A sub-buffer may be closed by a late commit, for which nobody is woken: it is found at the next wake-up or when the
 * reader's time is up.
 */
#ifndef SILLAGE_ABI_KERNEL_RING_H
#define SILLAGE_ABI_KERNEL_RING_H

#include "abi/ring.h"

#include <stdint.h>

#define SILLAGE_KERNEL_RING_MAGIC UINT64_C(0x31676e72656b6c73) /* "slkernr1" */
#define SILLAGE_KERNEL_RING_ABI_MAJOR 1
#define SILLAGE_KERNEL_RING_ABI_MINOR 1

#define SILLAGE_KERNEL_RING_MAX_SUBBUFS 64
/* Fewer events than half the 24 bits of the count fit in (a record is 4 bytes or more): what `events_total` is
 * behind by never comes near them. */
#define SILLAGE_KERNEL_RING_MAX_SUBBUF_BYTES (UINT64_C(16) << 20)
/* The verifier wants constant bounds: a masked offset and the largest record behind it are inside. */
#define SILLAGE_KERNEL_RING_MAX_RECORD UINT64_C(32768)
#define SILLAGE_KERNEL_RING_SLACK UINT64_C(65536)
/* Records of one stream: with data_offset and slack below the verifier's bound of 2^29 for a variable offset
 * (BPF_MAX_VAR_OFF). */
#define SILLAGE_KERNEL_RING_MAX_BYTES (UINT64_C(1) << 28)

/* Record headers, one kind per ring; times are CLOCK_MONOTONIC ns. Short ones hold the low bits of the time and
 * are used only while time >> epoch bits is that of the stream's last full time, as in ring.h.
 *   COMPACT  ring.h's: 4 bytes, or 13 with full time; 31 short ids
 *   LARGE    u16 id, u32 time; or u16 65535, u32 id, u64 time; packed */
enum sillage_kernel_header {
  SILLAGE_KERNEL_HEADER_COMPACT = 0,
  SILLAGE_KERNEL_HEADER_LARGE = 1,
};
#define SILLAGE_KERNEL_LARGE_BYTES 6
#define SILLAGE_KERNEL_LARGE_EXTENDED_BYTES 14
#define SILLAGE_KERNEL_LARGE_ID_EXTENDED 65535u
#define SILLAGE_KERNEL_LARGE_EPOCH_BITS 31

/* Slots of sillage_kernel_stream.lost; the first three as in enum sillage_lost_cause. */
enum sillage_kernel_lost {
  SILLAGE_KERNEL_LOST_FULL = 0,    /* discard mode: no free sub-buffer */
  SILLAGE_KERNEL_LOST_TOO_BIG = 1, /* record larger than a sub-buffer can hold */
  SILLAGE_KERNEL_LOST_BUSY =
      2, /* interrupted on every try, or the slot or all scratch areas are still in use */
};

/* One sub-buffer. The begin part is written by who begins it, the end part by who ends it. */
struct sillage_kernel_entry {
  uint64_t sequence;     /* number of the sub-buffer: bytes part of its start / subbuf_bytes */
  uint64_t begin_ns;     /* >= every record before, <= every record inside */
  uint64_t events;       /* records reserved in this stream before this sub-buffer, 64 bits */
  uint64_t end_position; /* packed: where its records end */
  uint64_t end_ns;       /* >= every record inside */
  uint64_t lost;         /* sum of lost[] when it was ended */
  uint64_t reserved[2];
} __attribute__((aligned(64)));

struct sillage_kernel_stream {
  /* Written once by who made the ring. */
  uint64_t magic;
  uint32_t abi_major, abi_minor;
  uint64_t subbuf_bytes; /* power of two */
  uint32_t subbuf_count; /* power of two, 2 .. MAX_SUBBUFS */
  uint32_t flags;        /* SILLAGE_RING_OVERWRITE */
  uint64_t data_offset;
  uint32_t header; /* enum sillage_kernel_header */
  uint32_t cpu;
  /* Writers' line. */
  uint64_t position __attribute__((aligned(128)));
  uint64_t epoch; /* last full time >> epoch bits; too old a value is safe */
  uint64_t
      events_total; /* events at the start of the sub-buffer begun last, 64 bits: from which the next one's are
                          * counted on; never goes back; one of a sub-buffer or two ago is safe */
  /* Reader's line. */
  uint64_t consumed __attribute__((
      aligned(128))); /* bytes part: start of the first sub-buffer not yet released */
  uint64_t
      armed; /* 1: who begins a sub-buffer swaps it to 0 and posts to the wake-up ring buffer */
  /* For the next reader alone. */
  uint64_t
      consumed_events; /* events before `consumed`, 64 bits: in overwrite mode no entry may tell any more */
  uint64_t flushing;       /* 1 while the reader begins a sub-buffer */
  uint64_t flush_position; /* packed: where the one ends that it ends thereby */
  uint64_t flush_ns;       /* end of that one, begin of the next */
  uint64_t flush_events;   /* events before the next, 64 bits */
  /* Of those before `consumed`, what is not in the trace: overwritten before they were read, skipped for impossible
   * accounts, refused by the disk. Stored before `consumed`. */
  uint64_t overrun_events, overrun_subbufs;
  uint64_t corrupt_events, corrupt_subbufs;
  uint64_t unwritten_events;
  uint64_t lost[SILLAGE_LOST_CAUSES] __attribute__((aligned(128)));
  uint64_t committed[SILLAGE_KERNEL_RING_MAX_SUBBUFS]
      __attribute__((aligned(128))); /* bytes, free running */
  struct sillage_kernel_entry entries[SILLAGE_KERNEL_RING_MAX_SUBBUFS];
};

#endif
