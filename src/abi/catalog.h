/* SPDX-License-Identifier: MIT */
/*
 * An image: the tracepoints of one loaded ELF object, as its process shows them to collectors.
 *
 * One memfd per ELF object that has tracepoints, made and sealed (SHRINK | GROW | SEAL) by the traced
 * program, sent once to each collector. It stays mapped in both:
 *
 *   0               struct sillage_image_header
 *   gates_offset    site_count x uint64_t: one gate per tracepoint site, written by collectors only
 *   catalog_offset  site_count descriptions, in site order, each padded to 8 bytes
 *
 * A site is disabled while its gate is 0: that is the whole cost of a disabled tracepoint, one load and a
 * branch. Each half of a gate belongs to one collector (domain): low half the user's own, high half root's;
 * its value is that collector's configuration generation, never 0 while enabled. A site that finds its gate
 * open with a generation it has not applied asks that collector for the attachments (app_protocol.h).
 * So enabling needs no thread, no socket and no co-operation of a stopped program.
 *
 * Collectors treat every byte as hostile: copy, then validate the copy (src/apps).
 */
#ifndef SILLAGE_ABI_CATALOG_H
#define SILLAGE_ABI_CATALOG_H

#include <stdint.h>

#define SILLAGE_IMAGE_MAGIC UINT64_C(0x316567616d696c73) /* "slimage1" */
#define SILLAGE_IMAGE_ABI_MAJOR 1
#define SILLAGE_IMAGE_ABI_MINOR 1 /* 1: listens, heard */

enum sillage_domain { SILLAGE_DOMAIN_USER = 0, SILLAGE_DOMAIN_ROOT = 1, SILLAGE_DOMAIN_COUNT = 2 };

struct sillage_image_header {
  uint64_t magic;
  uint32_t abi_major, abi_minor;
  uint64_t total_bytes;
  uint32_t site_count;
  uint32_t word_bits; /* 32 or 64: the program's */
  uint64_t gates_offset, catalog_offset, catalog_bytes;
  uint64_t base_address; /* where the object is loaded */
  uint32_t gone;         /* set to 1 by the program when the object is unloaded */
  /* Collectors add 1 when they have changed gates, and wake the futex here: for programs whose sites look at a word
   * of their own instead of a gate (src/ust). Nobody need listen. */
  uint32_t bell;
  char path[256]; /* of the object, NUL-terminated, truncated at the front if longer */
  /* Set by a program that listens: 1, and the value of `bell` whose changes are in effect. */
  uint32_t listens, heard;
};

enum sillage_field_kind {
  SILLAGE_KIND_INTEGER = 1,
  SILLAGE_KIND_BOOL = 2,           /* one byte, 0 or 1 */
  SILLAGE_KIND_ENUM = 3,           /* an integer with labels */
  SILLAGE_KIND_FLOAT = 4,          /* 4 or 8 bytes */
  SILLAGE_KIND_STRING = 5,         /* bytes up to and with a NUL */
  SILLAGE_KIND_TEXT_ARRAY = 6,     /* `count` bytes of UTF-8, padded with NUL */
  SILLAGE_KIND_TEXT_SEQUENCE = 7,  /* u32 length (or see count), then that many bytes of UTF-8 */
  SILLAGE_KIND_ARRAY = 8,          /* `count` elements */
  SILLAGE_KIND_SEQUENCE = 9,       /* u32 length (or see count) in elements, then the elements */
  SILLAGE_KIND_BLOB = 10,          /* `count` bytes */
  SILLAGE_KIND_BLOB_SEQUENCE = 11, /* u32 length, then that many bytes */
};

enum sillage_field_flags {
  SILLAGE_FIELD_SIGNED = 1u << 0,
  SILLAGE_FIELD_BIG_ENDIAN = 1u << 1,     /* "network" integers */
  SILLAGE_FIELD_NOWRITE = 1u << 2,        /* for filters only: not in the record */
  SILLAGE_FIELD_FLOAT_ELEMENTS = 1u << 3, /* ARRAY, SEQUENCE: elements are floats of `size` bytes */
};

/* A string is a u16 length and that many bytes, no NUL. All integers little endian, nothing aligned
 * but the start of each description (8 bytes). One description is:
 *
 *   u32 bytes          of this description, padding included
 *   u8  log level      0 (EMERG) .. 14 (DEBUG)
 *   u8  flags          0
 *   u16 field count
 *   u32 source line
 *   string provider, string name, string source file, string EMF URI ("" = none)
 *   per field:  u8 kind; u8 size (bytes of the integer, float or element; 1 for text and blobs);
 *               u8 flags; u8 base (2, 8, 10, 16);
 *               u32 count (arrays: elements; TEXT_SEQUENCE, SEQUENCE: bytes of the length, 1, 2, 4 or 8, 0 = 4);
 *               string name;
 *               string media type (blobs; "" otherwise);
 *               u32 label count (enums), per label: i64 begin, i64 end (inclusive; u64 if unsigned), string label
 *
 * The record's payload is the written fields in this order, packed, no alignment. */
/* Of provider and name together, as LTTng's 256 with the NUL. */
#define SILLAGE_CATALOG_MAX_NAME 255

#endif
