/* SPDX-License-Identifier: MIT */
/*
 * The layout of everything that two processes share, asserted member by member. Compiled as C11 and C++20, for 64 and
 * 32 bits: a failed assertion is a failed test. A number that changes here is a new major version of the ABI.
 */
#include <sillage/site.h>
#include "abi/app_protocol.h"
#include "abi/catalog.h"
#include "abi/clock.h"
#include "abi/filter.h"
#include "abi/kernel_ring.h"
#include "abi/ring.h"

#include <stddef.h>

#ifdef __cplusplus
#define ASSERT(condition) static_assert(condition, #condition)
#define ALIGN_OF(type) alignof(type)
#else
#define ASSERT(condition) _Static_assert(condition, #condition)
#define ALIGN_OF(type) _Alignof(type)
#endif
#define SIZE(type, bytes) ASSERT(sizeof(type) == (bytes))
#define AT(type, member, offset) ASSERT(offsetof(type, member) == (offset))

/* ring.h */
SIZE(struct sillage_ring_header, 256);
ASSERT(ALIGN_OF(struct sillage_ring_header) == 128);
AT(struct sillage_ring_header, magic, 0);
AT(struct sillage_ring_header, abi_major, 8);
AT(struct sillage_ring_header, abi_minor, 12);
AT(struct sillage_ring_header, total_bytes, 16);
AT(struct sillage_ring_header, subbuf_bytes, 24);
AT(struct sillage_ring_header, subbuf_count, 32);
AT(struct sillage_ring_header, index_count, 36);
AT(struct sillage_ring_header, stream_count, 40);
AT(struct sillage_ring_header, flags, 44);
AT(struct sillage_ring_header, blocking_timeout_ns, 48);
AT(struct sillage_ring_header, streams_offset, 56);
AT(struct sillage_ring_header, stream_stride, 64);
AT(struct sillage_ring_header, data_offset, 72);
AT(struct sillage_ring_header, data_stride, 80);
AT(struct sillage_ring_header, reserved, 88);
AT(struct sillage_ring_header, doorbell, 128);
AT(struct sillage_ring_header, armed, 132);

/* Three lines of 128 bytes: writers', reader's, loss. */
SIZE(struct sillage_ring_stream, 384);
ASSERT(ALIGN_OF(struct sillage_ring_stream) == 128);
AT(struct sillage_ring_stream, position, 0);
AT(struct sillage_ring_stream, epoch, 8);
AT(struct sillage_ring_stream, owner, 16);
AT(struct sillage_ring_stream, latest_ns, 24);
AT(struct sillage_ring_stream, consumed, 128);
AT(struct sillage_ring_stream, lost, 256);
AT(struct sillage_ring_stream, rejected, 320);

SIZE(struct sillage_ring_entry, 64);
ASSERT(ALIGN_OF(struct sillage_ring_entry) == 64);
AT(struct sillage_ring_entry, sequence, 0);
AT(struct sillage_ring_entry, begin_ns, 8);
AT(struct sillage_ring_entry, events, 16);
AT(struct sillage_ring_entry, previous_end, 24);
AT(struct sillage_ring_entry, lost, 32);
AT(struct sillage_ring_entry, reserved, 40);

/* The reasons given in ring.h, as arithmetic. */
ASSERT(SILLAGE_RING_BYTES_MASK + 1 == SILLAGE_RING_ONE_EVENT);
ASSERT(SILLAGE_RING_MAX_SUBBUF_BYTES / SILLAGE_RECORD_COMPACT_BYTES <
       (UINT64_C(1) << (64 - SILLAGE_RING_POSITION_BITS)));
ASSERT(SILLAGE_RING_MAX_BYTES * 2 <= SILLAGE_RING_BYTES_MASK);
ASSERT(SILLAGE_RING_OVERCOPY <= SILLAGE_RING_SLACK);
ASSERT(SILLAGE_RECORD_ID_EXTENDED == (1u << SILLAGE_RECORD_ID_BITS) - 1);
ASSERT(SILLAGE_RECORD_EPOCH_BITS < 32 - SILLAGE_RECORD_ID_BITS);
ASSERT(SILLAGE_LOST_TIMEOUT < SILLAGE_LOST_CAUSES);

/* kernel_ring.h */
AT(struct sillage_kernel_stream, magic, 0);
AT(struct sillage_kernel_stream, abi_major, 8);
AT(struct sillage_kernel_stream, abi_minor, 12);
AT(struct sillage_kernel_stream, subbuf_bytes, 16);
AT(struct sillage_kernel_stream, subbuf_count, 24);
AT(struct sillage_kernel_stream, flags, 28);
AT(struct sillage_kernel_stream, data_offset, 32);
AT(struct sillage_kernel_stream, header, 40);
AT(struct sillage_kernel_stream, cpu, 44);
AT(struct sillage_kernel_stream, position, 128);
AT(struct sillage_kernel_stream, epoch, 136);
AT(struct sillage_kernel_stream, events_total, 144);
AT(struct sillage_kernel_stream, consumed, 256);
AT(struct sillage_kernel_stream, armed, 264);
AT(struct sillage_kernel_stream, consumed_events, 272);
AT(struct sillage_kernel_stream, flushing, 280);
AT(struct sillage_kernel_stream, flush_position, 288);
AT(struct sillage_kernel_stream, flush_ns, 296);
AT(struct sillage_kernel_stream, flush_events, 304);
AT(struct sillage_kernel_stream, overrun_events, 312);
AT(struct sillage_kernel_stream, overrun_subbufs, 320);
AT(struct sillage_kernel_stream, corrupt_events, 328);
AT(struct sillage_kernel_stream, corrupt_subbufs, 336);
AT(struct sillage_kernel_stream, unwritten_events, 344);
AT(struct sillage_kernel_stream, lost, 384);
AT(struct sillage_kernel_stream, committed, 512);
AT(struct sillage_kernel_stream, entries, 1024);
SIZE(struct sillage_kernel_stream, 5120);
ASSERT(ALIGN_OF(struct sillage_kernel_stream) == 128);

SIZE(struct sillage_kernel_entry, 64);
ASSERT(ALIGN_OF(struct sillage_kernel_entry) == 64);
AT(struct sillage_kernel_entry, sequence, 0);
AT(struct sillage_kernel_entry, begin_ns, 8);
AT(struct sillage_kernel_entry, events, 16);
AT(struct sillage_kernel_entry, end_position, 24);
AT(struct sillage_kernel_entry, end_ns, 32);
AT(struct sillage_kernel_entry, lost, 40);
AT(struct sillage_kernel_entry, reserved, 48);

/* The reasons given in kernel_ring.h, as arithmetic. */
ASSERT(SILLAGE_KERNEL_RING_MAX_SUBBUF_BYTES / SILLAGE_RECORD_COMPACT_BYTES <
       (UINT64_C(1) << (64 - SILLAGE_RING_POSITION_BITS)) / 2);
ASSERT(sizeof(struct sillage_kernel_stream) + SILLAGE_KERNEL_RING_MAX_BYTES +
           SILLAGE_KERNEL_RING_SLACK <
       UINT64_C(1) << 29);
ASSERT(SILLAGE_KERNEL_RING_MAX_RECORD <= SILLAGE_KERNEL_RING_SLACK);
ASSERT(SILLAGE_KERNEL_LARGE_ID_EXTENDED == UINT16_MAX);
ASSERT(SILLAGE_KERNEL_LARGE_EPOCH_BITS < 32);
ASSERT((int)SILLAGE_KERNEL_LOST_FULL == (int)SILLAGE_LOST_FULL &&
       (int)SILLAGE_KERNEL_LOST_TOO_BIG == (int)SILLAGE_LOST_TOO_BIG &&
       (int)SILLAGE_KERNEL_LOST_BUSY == (int)SILLAGE_LOST_BUSY);

/* clock.h */
SIZE(struct sillage_clock_segment, 32);
AT(struct sillage_clock_segment, tsc_from, 0);
AT(struct sillage_clock_segment, ns_from, 8);
AT(struct sillage_clock_segment, mult, 16);
SIZE(struct sillage_clock_page, 256);
AT(struct sillage_clock_page, magic, 0);
AT(struct sillage_clock_page, mode, 8);
AT(struct sillage_clock_page, current, 64);
AT(struct sillage_clock_page, segment, 96);
/* Slots are current % SILLAGE_CLOCK_SEGMENTS while `current` wraps. */
ASSERT((SILLAGE_CLOCK_SEGMENTS & (SILLAGE_CLOCK_SEGMENTS - 1)) == 0);

/* catalog.h */
SIZE(struct sillage_image_header, 336);
AT(struct sillage_image_header, magic, 0);
AT(struct sillage_image_header, abi_major, 8);
AT(struct sillage_image_header, abi_minor, 12);
AT(struct sillage_image_header, total_bytes, 16);
AT(struct sillage_image_header, site_count, 24);
AT(struct sillage_image_header, word_bits, 28);
AT(struct sillage_image_header, gates_offset, 32);
AT(struct sillage_image_header, catalog_offset, 40);
AT(struct sillage_image_header, catalog_bytes, 48);
AT(struct sillage_image_header, base_address, 56);
AT(struct sillage_image_header, gone, 64);
AT(struct sillage_image_header, bell, 68);
AT(struct sillage_image_header, path, 72);
AT(struct sillage_image_header, listens, 328);
AT(struct sillage_image_header, heard, 332);

/* app_protocol.h */
SIZE(struct sillage_app_header, 16);
AT(struct sillage_app_header, magic, 0);
AT(struct sillage_app_header, abi_major, 4);
AT(struct sillage_app_header, abi_minor, 6);
AT(struct sillage_app_header, type, 8);
AT(struct sillage_app_header, bytes, 12);
SIZE(struct sillage_app_request, 48);
AT(struct sillage_app_request, image_token, 16);
AT(struct sillage_app_request, pid, 24);
AT(struct sillage_app_request, word_bits, 28);
AT(struct sillage_app_request, procname, 32);
SIZE(struct sillage_app_attachment, 48);
AT(struct sillage_app_attachment, ring_id, 0);
AT(struct sillage_app_attachment, context_count, 8);
AT(struct sillage_app_attachment, contexts, 9);
AT(struct sillage_app_attachment, flags, 41);
SIZE(struct sillage_app_reply, 40);
AT(struct sillage_app_reply, image_token, 16);
AT(struct sillage_app_reply, generation, 24);
AT(struct sillage_app_reply, status, 28);
AT(struct sillage_app_reply, registration, 32);
AT(struct sillage_app_reply, attachment_count, 36);
AT(struct sillage_app_reply, attachments, 40);
/* The largest reply fits one message; every context of the list fits one attachment. */
ASSERT(sizeof(struct sillage_app_reply) +
           SILLAGE_APP_MAX_ATTACHMENTS * sizeof(struct sillage_app_attachment) <=
       SILLAGE_APP_MAX_MESSAGE);
ASSERT(SILLAGE_CONTEXT_END - 1 <= SILLAGE_APP_MAX_CONTEXTS);

/* site.h: in one process only, but frozen: programs compiled against it run with every later library. */
#if __SIZEOF_POINTER__ == 8
SIZE(struct sillage_label, 24);
SIZE(struct sillage_field, 40);
SIZE(struct sillage_event, 48);
SIZE(struct sillage_site, 32);
SIZE(struct sillage_image, 32);
SIZE(struct sillage_part, 16);
#else
SIZE(struct sillage_label, 20);
SIZE(struct sillage_field, 28);
SIZE(struct sillage_event, 28);
SIZE(struct sillage_site, 20);
SIZE(struct sillage_image, 16);
SIZE(struct sillage_part, 12);
#endif
AT(struct sillage_site, gate, 0);
AT(struct sillage_site, slots, __SIZEOF_POINTER__);
AT(struct sillage_site, event, 2 * __SIZEOF_POINTER__);
AT(struct sillage_site, index, 3 * __SIZEOF_POINTER__);
AT(struct sillage_event, fields, 4 * __SIZEOF_POINTER__);
AT(struct sillage_event, line, 5 * __SIZEOF_POINTER__);
AT(struct sillage_event, field_count, 5 * __SIZEOF_POINTER__ + 4);
AT(struct sillage_event, log_level, 5 * __SIZEOF_POINTER__ + 6);
AT(struct sillage_field, labels, 2 * __SIZEOF_POINTER__);
AT(struct sillage_field, label_count, 3 * __SIZEOF_POINTER__);
AT(struct sillage_field, count, 3 * __SIZEOF_POINTER__ + 4);
AT(struct sillage_field, kind, 3 * __SIZEOF_POINTER__ + 8);
AT(struct sillage_part, bytes, __SIZEOF_POINTER__);
AT(struct sillage_part, kind, __SIZEOF_POINTER__ + 4);

/* filter.h */
SIZE(struct sillage_filter_table, 16);
AT(struct sillage_filter_table, abi_major, 4);
AT(struct sillage_filter_table, bytes, 8);
AT(struct sillage_filter_table, site_count, 12);
SIZE(struct sillage_filter_program, 24);
AT(struct sillage_filter_program, prefix_bytes, 4);
AT(struct sillage_filter_program, stack_bytes, 6);
AT(struct sillage_filter_program, field_count, 8);
AT(struct sillage_filter_program, literal_count, 10);
AT(struct sillage_filter_program, instruction_count, 12);
AT(struct sillage_filter_program, text_bytes, 16);
SIZE(struct sillage_filter_field, 12);
AT(struct sillage_filter_field, kind, 2);
AT(struct sillage_filter_field, offset, 4);
AT(struct sillage_filter_field, bytes, 8);
SIZE(struct sillage_filter_literal, 8);
ASSERT(SILLAGE_FILTER_REAL_NOT_EQUAL == 16);
