/* SPDX-License-Identifier: MIT */
/*
 * From the values of an event to one call of sillage_emit_words, _bytes or _parts. Every function is inlined into
 * the site, where sizes and forms are constants: what is left is the packing itself.
 */
#ifndef SILLAGE_DETAIL_RECORD_H
#define SILLAGE_DETAIL_RECORD_H

#include <sillage/detail/image.h>

/* The values of src/abi/catalog.h, which programs do not see; tests/tracepoint compares them. */
enum sillage_i_kind {
  SILLAGE_I_INTEGER = 1,
  SILLAGE_I_BOOL = 2,
  SILLAGE_I_ENUM = 3,
  SILLAGE_I_FLOAT = 4,
  SILLAGE_I_STRING = 5,
  SILLAGE_I_TEXT_ARRAY = 6,
  SILLAGE_I_TEXT_SEQUENCE = 7,
  SILLAGE_I_ARRAY = 8,
  SILLAGE_I_SEQUENCE = 9,
  SILLAGE_I_BLOB = 10,
  SILLAGE_I_BLOB_SEQUENCE = 11
};
enum sillage_i_flag {
  SILLAGE_I_SIGNED = 1,
  SILLAGE_I_BIG_ENDIAN = 2,
  SILLAGE_I_NOWRITE = 4,
  SILLAGE_I_FLOAT_ELEMENTS = 8
};

/* The most that sillage_emit_words takes, and that is assembled on the stack for sillage_emit_bytes. */
#define SILLAGE_I_WORDS_BYTES 24u
#define SILLAGE_I_BLOCK_BYTES 256u
/* A fixed field up to this size is copied beside its neighbours; above, it is a part of its own. */
#define SILLAGE_I_MERGED_BYTES 16u

enum sillage_i_form {
  SILLAGE_I_FORM_FIXED,    /* `bytes` bytes */
  SILLAGE_I_FORM_STRING,   /* up to a NUL */
  SILLAGE_I_FORM_TEXT,     /* up to a NUL or `bytes` */
  SILLAGE_I_FORM_SEQUENCE, /* `count`, then `bytes` bytes */
  SILLAGE_I_FORM_NOWRITE = 0x80
};

/* One field's value, where it lies. */
struct sillage_i_item {
  const void* data;
  uint32_t bytes;
  uint32_t count;
  uint32_t form;
};

/* Bytes packed into registers, the first lowest. */
struct sillage_i_words {
  uint64_t word[4]; /* the last one stays 0: sillage_i_pack() may shift nothing into it */
  uint32_t bytes;
};

SILLAGE_I_INLINE void sillage_i_pack(struct sillage_i_words* words, uint64_t value, uint32_t size) {
  uint32_t index = words->bytes / 8;
  uint32_t shift = words->bytes % 8 * 8;
  words->word[index] |= value << shift;
  if (shift + size * 8 > 64) words->word[index + 1] |= value >> (64 - shift);
  words->bytes += size;
}

/* Appends a value of up to 24 bytes. Copies of 8, 4, 2 and 1 bytes become plain loads or register moves. */
SILLAGE_I_INLINE void sillage_i_pack_item(struct sillage_i_words* words,
                                          struct sillage_i_item item) {
  const char* from = (const char*)item.data;
  uint64_t eight;
  uint32_t four;
  uint16_t two;
  uint8_t one;
  if ((item.bytes & 16) != 0) {
    __builtin_memcpy(&eight, from, 8);
    sillage_i_pack(words, eight, 8);
    __builtin_memcpy(&eight, from + 8, 8);
    sillage_i_pack(words, eight, 8);
    from += 16;
  }
  if ((item.bytes & 8) != 0) {
    __builtin_memcpy(&eight, from, 8);
    sillage_i_pack(words, eight, 8);
    from += 8;
  }
  if ((item.bytes & 4) != 0) {
    __builtin_memcpy(&four, from, 4);
    sillage_i_pack(words, four, 4);
    from += 4;
  }
  if ((item.bytes & 2) != 0) {
    __builtin_memcpy(&two, from, 2);
    sillage_i_pack(words, two, 2);
    from += 2;
  }
  if ((item.bytes & 1) != 0) {
    __builtin_memcpy(&one, from, 1);
    sillage_i_pack(words, one, 1);
  }
}

/* A payload in pieces. `scratch` has SILLAGE_I_MERGED_BYTES per field, `parts` two entries per field. */
struct sillage_i_pieces {
  struct sillage_part* parts;
  char* scratch;
  uint32_t count;
  uint32_t used;    /* of the scratch */
  uint32_t is_open; /* whether the last part ends where the scratch is written next */
};

/* Appends to the run of small values, or begins one. `kind` is SILLAGE_PART_BYTES, or-ed with _NOWRITE or not. */
SILLAGE_I_INLINE void sillage_i_append_small(struct sillage_i_pieces* pieces, const void* data,
                                             uint32_t bytes, uint32_t kind) {
  char* to = pieces->scratch + pieces->used;
  __builtin_memcpy(to, data, bytes);
  pieces->used += bytes;
  if (pieces->is_open && kind == SILLAGE_PART_BYTES) {
    pieces->parts[pieces->count - 1].bytes += bytes;
    return;
  }
  pieces->parts[pieces->count].data = to;
  pieces->parts[pieces->count].bytes = bytes;
  pieces->parts[pieces->count].kind = kind;
  pieces->count++;
  pieces->is_open = kind == SILLAGE_PART_BYTES;
}

SILLAGE_I_INLINE void sillage_i_append_part(struct sillage_i_pieces* pieces, const void* data,
                                            uint32_t bytes, uint32_t kind) {
  pieces->parts[pieces->count].data = data;
  pieces->parts[pieces->count].bytes = bytes;
  pieces->parts[pieces->count].kind = kind;
  pieces->count++;
  pieces->is_open = 0;
}

SILLAGE_I_INLINE void sillage_i_append(struct sillage_i_pieces* pieces,
                                       struct sillage_i_item item) {
  uint32_t nowrite = (item.form & SILLAGE_I_FORM_NOWRITE) != 0 ? SILLAGE_PART_NOWRITE : 0;
  switch (item.form & ~(uint32_t)SILLAGE_I_FORM_NOWRITE) {
    case SILLAGE_I_FORM_FIXED:
      if (item.bytes <= SILLAGE_I_MERGED_BYTES) {
        sillage_i_append_small(pieces, item.data, item.bytes, SILLAGE_PART_BYTES | nowrite);
      } else {
        sillage_i_append_part(pieces, item.data, item.bytes, SILLAGE_PART_BYTES | nowrite);
      }
      break;
    case SILLAGE_I_FORM_STRING:
      sillage_i_append_part(pieces, item.data, item.bytes, SILLAGE_PART_STRING | nowrite);
      break;
    case SILLAGE_I_FORM_TEXT:
      sillage_i_append_part(pieces, item.data, item.bytes, SILLAGE_PART_TEXT | nowrite);
      break;
    default:
      sillage_i_append_small(pieces, &item.count, 4, SILLAGE_PART_BYTES | nowrite);
      sillage_i_append_part(pieces, item.data, item.bytes, SILLAGE_PART_BYTES | nowrite);
      break;
  }
}

SILLAGE_I_INLINE struct sillage_i_item sillage_i_item_of(const void* data, uint32_t bytes,
                                                         uint32_t count, uint32_t form) {
  struct sillage_i_item item;
  item.data = data;
  item.bytes = bytes;
  item.count = count;
  item.form = form;
  return item;
}

/* A sequence of `count` elements of `size` bytes. What is too long for 32 bits is cut, and refused by the ring. */
SILLAGE_I_INLINE struct sillage_i_item sillage_i_sequence_of(const void* data, uint64_t count,
                                                             uint32_t size) {
  if (data == NULL) count = 0;
  if (count > UINT32_MAX / size) count = UINT32_MAX / size;
  return sillage_i_item_of(data, (uint32_t)count * size, (uint32_t)count, SILLAGE_I_FORM_SEQUENCE);
}

#endif
