/* SPDX-License-Identifier: MIT */
/*
 * The binary interface between a tracepoint and libsillage.so. Frozen: programs compiled against it run with
 * every later library. tracepoint.h fills these structures; nobody writes them by hand.
 *
 * A tracepoint site is disabled while *site->gate is 0: one load, one load, one predicted branch. An open
 * gate leads to one of the sillage_emit functions, which record the payload on every channel that wants it.
 * They never block unless the channel was made blocking, never allocate, never change errno, and may be
 * called from signal handlers, constructors, destructors and interposed allocators.
 */
#ifndef SILLAGE_SITE_H
#define SILLAGE_SITE_H

#include <stdint.h>

#define SILLAGE_API __attribute__((visibility("default")))

#ifdef __cplusplus
extern "C" {
#endif

/* A label of an enumeration: values begin..end, inclusive (as unsigned where the field is). */
struct sillage_label {
  int64_t begin, end;
  const char* label;
};

/* One field of an event. kind, flags: src/abi/catalog.h (sillage_field_kind, sillage_field_flags). */
struct sillage_field {
  const char* name;
  const char* media_type;             /* blobs; NULL otherwise */
  const struct sillage_label* labels; /* enumerations; NULL otherwise */
  uint32_t label_count;
  uint32_t count; /* elements of fixed arrays, bytes of fixed text and blobs */
  uint8_t kind, size, flags, base;
  uint32_t reserved;
};

struct sillage_event {
  const char *provider, *name, *file, *emf_uri; /* emf_uri may be NULL */
  const struct sillage_field* fields;
  uint32_t line;
  uint16_t field_count;
  uint8_t log_level; /* 0 EMERG .. 14 DEBUG */
  uint8_t reserved;
};

struct sillage_slot; /* the library's: a channel that records this site */

/* One place of use. Static, writable, hidden; a pointer to it stands in the section `sillage_sites`. */
struct sillage_site {
  /* never NULL: at first &sillage_closed_gate of the image, later the image's shared gate */
  const uint64_t* gate;
  struct sillage_slot* slots;
  const struct sillage_event* event;
  uint32_t index; /* in its image, once registered */
  uint32_t reserved;
};

/* One loaded ELF object: static in it, handed over by its constructor, taken back by its destructor. */
struct sillage_image {
  /* __start_sillage_sites; duplicates of a pointer are allowed */
  struct sillage_site* const* begin;
  struct sillage_site* const* end;
  void* handle;                /* the library's; NULL before registration */
  const uint64_t* closed_gate; /* what gates go back to when the image is unregistered */
};

enum sillage_part_kind {
  SILLAGE_PART_BYTES = 0, /* copy `bytes` bytes */
  /* NUL-terminated; NULL is recorded as "(null)"; at most `bytes` bytes are looked at */
  SILLAGE_PART_STRING = 1,
  /* up to `bytes` bytes or the first NUL, recorded as a NUL-terminated string */
  SILLAGE_PART_TEXT = 2,
  SILLAGE_PART_NOWRITE = 0x80, /* or-ed: for filters only, not recorded */
};

/* One piece of a payload that is not of fixed size. */
struct sillage_part {
  const void* data;
  uint32_t bytes;
  uint32_t kind;
};

/* Records a payload of `bytes` <= 24 bytes held in three words, first byte lowest in w0. */
SILLAGE_API void sillage_emit_words(struct sillage_site* site, uint32_t bytes, uint64_t w0,
                                    uint64_t w1, uint64_t w2);
/* Records a payload that lies in one piece: exactly `bytes` bytes are read. */
SILLAGE_API void sillage_emit_bytes(struct sillage_site* site, const void* payload, uint32_t bytes);
/* Records a payload of several pieces, in order. Strings are measured and copied in one pass. */
SILLAGE_API void sillage_emit_parts(struct sillage_site* site, const struct sillage_part* parts,
                                    uint32_t count);

/* Makes the image's sites known to collectors, now and later. Idempotent. Called by tracepoint.h. */
SILLAGE_API void sillage_image_register(struct sillage_image* image);
/* Takes them back before the object's memory goes. Waits for no other thread of the program. */
SILLAGE_API void sillage_image_unregister(struct sillage_image* image);

#ifdef __cplusplus
}
#endif
#endif
