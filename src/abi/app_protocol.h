/* SPDX-License-Identifier: MIT */
/*
 * What a traced program and a collector say to each other: SOCK_SEQPACKET unix socket, one request and one reply per
 * connection, at most SILLAGE_APP_MAX_MESSAGE bytes, file descriptors by SCM_RIGHTS. The program never waits
 * longer than SILLAGE_APP_DEADLINE_MS; the collector drops a silent peer after the same time. Who the
 * peer is comes from the kernel (SO_PEERCRED, pidfd), never from the message.
 *
 *   socket of root's collector     SILLAGE_APP_SOCKET_ROOT
 *   socket of a user's collector   $SILLAGE_RUNTIME_DIR/app.sock, else $XDG_RUNTIME_DIR/sillage/app.sock,
 *                                  else /tmp/sillage-UID/app.sock   (set-user-ID programs ignore the environment)
 *
 *   program                                     collector
 *     REGISTER {..} + fd of the image    ->
 *                                        <-     ATTACHMENTS {image token, generation, n} + fds
 *     UPDATE {image token}               ->                             (a gate opened with an unknown generation)
 *                                        <-     ATTACHMENTS
 *     UNREGISTER {image token}           ->                             (object unloaded; no reply)
 *
 * Descriptors of ATTACHMENTS: the clock page, then per attachment its ring and its id table, and since minor version 1 its
 * filter table (filter.h) if it has SILLAGE_APP_HAS_FILTERS. The id table is a sealed memfd of the collector's, mapped
 * read-only: site_count x uint32_t, 0 = not recorded on this channel, else event record id + 1.
 *
 * Behind the attachments stand the names of their application contexts ("$app.PROVIDER:TYPE"), NUL-terminated, in the
 * order of the attachments and of the contexts in each. They are there since minor version 2. Since minor version 4 the
 * names of an attachment are followed by its counters, a struct sillage_app_counter each, in the order of its contexts.
 *
 * A program says in its requests which minor version it speaks, and gets no more than that: of one that does not know
 * filters no event is recorded for which there is one.
 */
#ifndef SILLAGE_ABI_APP_PROTOCOL_H
#define SILLAGE_ABI_APP_PROTOCOL_H

#include <stdint.h>

#define SILLAGE_APP_MAGIC UINT32_C(0x41534c53) /* "SLSA" */
#define SILLAGE_APP_ABI_MAJOR 1
#define SILLAGE_APP_ABI_MINOR \
  4 /* 1: filters; 2: application contexts; 3: clocks of programs; 4: counters */
#define SILLAGE_APP_MINOR_FILTERS 1
#define SILLAGE_APP_MINOR_APP_CONTEXTS 2
#define SILLAGE_APP_MINOR_CLOCKS 3
#define SILLAGE_APP_MINOR_COUNTERS 4
#define SILLAGE_APP_MAX_MESSAGE 65536
#define SILLAGE_APP_DEADLINE_MS 100
#define SILLAGE_APP_MAX_ATTACHMENTS 64 /* channels of one collector that one image can feed */
#define SILLAGE_APP_MAX_CONTEXTS 32
#define SILLAGE_APP_MAX_NAME_BYTES 16384 /* of all application contexts of a reply, NULs included */
#define SILLAGE_APP_SOCKET_ROOT "/run/sillage/app.sock"

enum sillage_app_type {
  SILLAGE_APP_REGISTER = 1,
  SILLAGE_APP_UPDATE = 2,
  SILLAGE_APP_UNREGISTER = 3,
  SILLAGE_APP_ATTACHMENTS = 16,
  SILLAGE_APP_REFUSED = 17, /* `status` says why */
};

struct sillage_app_header {
  uint32_t magic;
  uint16_t abi_major, abi_minor;
  uint32_t type;
  uint32_t bytes; /* of the whole message */
};

/* REGISTER, UPDATE, UNREGISTER. */
struct sillage_app_request {
  struct sillage_app_header header;
  uint64_t image_token; /* 0 in REGISTER */
  uint32_t pid; /* in the program's own namespace, for display and the vpid environment only */
  uint32_t word_bits;
  char procname[16];
};

/* Behind a REGISTER, since minor version 3, if the program has a clock of its own: then all its times are of that, and its
 * records are not in streams with others'. */
struct sillage_app_clock {
  uint64_t frequency_hz; /* not 0 */
  uint64_t value;        /* what it said ... */
  uint64_t monotonic_ns; /* ... at this time of CLOCK_MONOTONIC */
  char uuid[40];         /* texts end with a NUL; "" = none */
  char name[64];
  char description[128];
};

/* Contexts, in the order in which they stand in the record, between header and payload, packed.
 * Names and types as LTTng-UST's: parity X4, X6. */
enum sillage_context {
  SILLAGE_CONTEXT_VPID = 1,     /* i32 */
  SILLAGE_CONTEXT_VTID = 2,     /* i32 */
  SILLAGE_CONTEXT_PROCNAME = 3, /* char[17], NUL-padded */
  /* u64 (LTTng: unsigned long; 64 bits here whatever the program) */
  SILLAGE_CONTEXT_PTHREAD_ID = 4,
  SILLAGE_CONTEXT_IP = 5,        /* u64, base 16 */
  SILLAGE_CONTEXT_CPU_ID = 6,    /* i32 */
  SILLAGE_CONTEXT_CGROUP_NS = 7, /* namespaces: u64 inode numbers */
  SILLAGE_CONTEXT_IPC_NS = 8,
  SILLAGE_CONTEXT_MNT_NS = 9,
  SILLAGE_CONTEXT_NET_NS = 10,
  SILLAGE_CONTEXT_PID_NS = 11,
  SILLAGE_CONTEXT_TIME_NS = 12,
  SILLAGE_CONTEXT_USER_NS = 13,
  SILLAGE_CONTEXT_UTS_NS = 14,
  SILLAGE_CONTEXT_VUID = 15, /* credentials: u32 */
  SILLAGE_CONTEXT_VEUID = 16,
  SILLAGE_CONTEXT_VSUID = 17,
  SILLAGE_CONTEXT_VGID = 18,
  SILLAGE_CONTEXT_VEGID = 19,
  SILLAGE_CONTEXT_VSGID = 20,
  SILLAGE_CONTEXT_END = 21,
  /* Contexts that the program brings itself: the first of a channel's, the second ... Their value is a tag of one byte
   * (enum sillage_app_context_tag) and what that says, packed. */
  SILLAGE_CONTEXT_APP = 128,
  SILLAGE_CONTEXT_APP_END = SILLAGE_CONTEXT_APP + SILLAGE_APP_MAX_CONTEXTS,
  /* Counters of perf, each thread its own: the first of a channel's, the second ... u64, 0 where the kernel gives the program
   * none. */
  SILLAGE_CONTEXT_COUNTER = SILLAGE_CONTEXT_APP_END,
  SILLAGE_CONTEXT_COUNTER_END = SILLAGE_CONTEXT_COUNTER + SILLAGE_APP_MAX_CONTEXTS,
};

/* What such a context counts: as in struct perf_event_attr. Not aligned in the message. */
struct sillage_app_counter {
  uint64_t config;
  uint32_t type;
  uint32_t reserved;
};

/* LTTng-UST's numbers. */
enum sillage_app_context_tag {
  SILLAGE_APP_CONTEXT_NONE = 0, /* nothing behind the tag: the program does not bring it */
  SILLAGE_APP_CONTEXT_S8 = 1,
  SILLAGE_APP_CONTEXT_S16 = 2,
  SILLAGE_APP_CONTEXT_S32 = 3,
  SILLAGE_APP_CONTEXT_S64 = 4,
  SILLAGE_APP_CONTEXT_U8 = 5,
  SILLAGE_APP_CONTEXT_U16 = 6,
  SILLAGE_APP_CONTEXT_U32 = 7,
  SILLAGE_APP_CONTEXT_U64 = 8,
  SILLAGE_APP_CONTEXT_FLOAT = 9,
  SILLAGE_APP_CONTEXT_DOUBLE = 10,
  SILLAGE_APP_CONTEXT_STRING = 11, /* bytes up to and with a NUL */
};

struct sillage_app_attachment {
  uint64_t ring_id; /* of this collector; the same ring keeps its mapping over updates */
  uint8_t context_count;
  uint8_t contexts[SILLAGE_APP_MAX_CONTEXTS];
  uint8_t flags; /* enum sillage_app_attachment_flags */
  uint8_t reserved[2];
  /* Another number than before: the program records its state dump anew on this ring, where the image has its events. Of
   * collectors that know none it is 0, as it is of a ring that the program has not dumped on. */
  uint32_t state_dump;
};

enum sillage_app_attachment_flags {
  SILLAGE_APP_HAS_FILTERS = 1u << 0, /* a third descriptor */
};

struct sillage_app_reply {
  struct sillage_app_header header;
  uint64_t image_token;
  uint32_t generation;   /* what the gates of this collector's half hold for enabled sites */
  uint32_t status;       /* REFUSED: errno-like */
  uint32_t registration; /* of the process: goes into sillage_ring_stream.owner */
  uint32_t attachment_count;
  struct sillage_app_attachment attachments[];
};

#endif
