/* SPDX-License-Identifier: MIT */
/* A double of libsillage.so that keeps what tracepoints pass to it, for tests to look at. */
#ifndef SILLAGE_TESTS_TRACEPOINT_DOUBLE_H
#define SILLAGE_TESTS_TRACEPOINT_DOUBLE_H

#include <sillage/site.h>

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum double_path { DOUBLE_NONE, DOUBLE_WORDS, DOUBLE_BYTES, DOUBLE_PARTS };

/* The last event. */
struct double_record {
  enum double_path path;
  const struct sillage_event* event;
  uint32_t bytes;         /* of the record's payload */
  uint32_t nowrite_bytes; /* of what filters alone see */
  uint32_t part_count;
  const void* given; /* the address sillage_emit_bytes got */
  const void* ip;    /* where the call returns to */
  unsigned char payload[4096];
  unsigned char nowrite[4096];
};

extern struct double_record double_last;
extern unsigned double_event_count;
extern unsigned double_image_count; /* registered now */

/* Opens the gate of every site with this name, now and later; NULL closes all. Returns how many there are now. */
unsigned double_open(const char* provider, const char* name);
/* The description of the first registered site with this name, or NULL. */
const struct sillage_event* double_find(const char* provider, const char* name);
/* How many sites with this name are registered, duplicates left out. */
unsigned double_count(const char* provider, const char* name);
void double_reset(void);

#ifdef __cplusplus
}
#endif
#endif
