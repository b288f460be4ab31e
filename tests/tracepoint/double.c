/* SPDX-License-Identifier: MIT */
#include "double.h"

#include <string.h>

struct double_record double_last;
unsigned double_event_count;
unsigned double_image_count;

enum { kMaxImages = 16 };
static struct sillage_image* g_images[kMaxImages];
static const char *g_open_provider, *g_open_name;
static const uint64_t g_open_gate =
    (uint64_t)1 << 32; /* the upper half, to see that 32-bit programs look at it */

static int is_named(const struct sillage_site* site, const char* provider, const char* name) {
  return provider != NULL && strcmp(site->event->provider, provider) == 0 &&
         strcmp(site->event->name, name) == 0;
}

static void set_gates(struct sillage_image* image) {
  for (struct sillage_site* const* entry = image->begin; entry != image->end; entry++) {
    (*entry)->gate =
        is_named(*entry, g_open_provider, g_open_name) ? &g_open_gate : image->closed_gate;
  }
}

void sillage_image_register(struct sillage_image* image) {
  if (image->handle != NULL) return;
  for (unsigned i = 0; i < kMaxImages; i++) {
    if (g_images[i] != NULL) continue;
    g_images[i] = image;
    image->handle = &g_images[i];
    double_image_count++;
    set_gates(image);
    return;
  }
}

void sillage_image_unregister(struct sillage_image* image) {
  if (image->handle == NULL) return;
  *(struct sillage_image**)image->handle = NULL;
  image->handle = NULL;
  double_image_count--;
  for (struct sillage_site* const* entry = image->begin; entry != image->end; entry++)
    (*entry)->gate = image->closed_gate;
}

unsigned double_open(const char* provider, const char* name) {
  g_open_provider = provider;
  g_open_name = name;
  for (unsigned i = 0; i < kMaxImages; i++) {
    if (g_images[i] != NULL) set_gates(g_images[i]);
  }
  return provider == NULL ? 0 : double_count(provider, name);
}

unsigned double_count(const char* provider, const char* name) {
  unsigned count = 0;
  for (unsigned i = 0; i < kMaxImages; i++) {
    if (g_images[i] == NULL) continue;
    for (struct sillage_site* const* entry = g_images[i]->begin; entry != g_images[i]->end;
         entry++) {
      if (!is_named(*entry, provider, name)) continue;
      int seen = 0;
      for (struct sillage_site* const* other = g_images[i]->begin; other != entry; other++)
        seen |= *other == *entry;
      count += seen == 0;
    }
  }
  return count;
}

const struct sillage_event* double_find(const char* provider, const char* name) {
  for (unsigned i = 0; i < kMaxImages; i++) {
    if (g_images[i] == NULL) continue;
    for (struct sillage_site* const* entry = g_images[i]->begin; entry != g_images[i]->end;
         entry++) {
      if (is_named(*entry, provider, name)) return (*entry)->event;
    }
  }
  return NULL;
}

void double_reset(void) {
  memset(&double_last, 0, sizeof double_last);
  double_event_count = 0;
}

static void append(unsigned char* to, uint32_t room, uint32_t* used, const void* data,
                   uint32_t bytes) {
  if (bytes > room - *used) bytes = room - *used;
  if (bytes != 0) memcpy(to + *used, data, bytes);
  *used += bytes;
}

static struct double_record* begin(const struct sillage_site* site, enum double_path path,
                                   const void* ip) {
  memset(&double_last, 0, sizeof double_last);
  double_last.path = path;
  double_last.event = site->event;
  double_last.ip = ip;
  double_event_count++;
  return &double_last;
}

void sillage_emit_words(struct sillage_site* site, uint32_t bytes, uint64_t w0, uint64_t w1,
                        uint64_t w2) {
  struct double_record* record = begin(site, DOUBLE_WORDS, __builtin_return_address(0));
  const uint64_t words[3] = {w0, w1, w2};
  append(record->payload, sizeof record->payload, &record->bytes, words, bytes);
  /* What is behind the payload must be 0: the ring copies whole words. */
  for (uint32_t i = bytes; i < sizeof words; i++) {
    if (((const unsigned char*)words)[i] != 0) record->bytes = UINT32_MAX;
  }
}

void sillage_emit_bytes(struct sillage_site* site, const void* payload, uint32_t bytes) {
  struct double_record* record = begin(site, DOUBLE_BYTES, __builtin_return_address(0));
  record->given = payload;
  append(record->payload, sizeof record->payload, &record->bytes, payload, bytes);
}

void sillage_emit_parts(struct sillage_site* site, const struct sillage_part* parts,
                        uint32_t count) {
  struct double_record* record = begin(site, DOUBLE_PARTS, __builtin_return_address(0));
  record->part_count = count;
  for (uint32_t i = 0; i < count; i++) {
    int is_written = (parts[i].kind & SILLAGE_PART_NOWRITE) == 0;
    unsigned char* to = is_written ? record->payload : record->nowrite;
    uint32_t* used = is_written ? &record->bytes : &record->nowrite_bytes;
    const char* data = (const char*)parts[i].data;
    uint32_t bytes = parts[i].bytes;
    if ((parts[i].kind & ~(uint32_t)SILLAGE_PART_NOWRITE) != SILLAGE_PART_BYTES) {
      if (data == NULL) {
        data = "(null)";
        bytes = 6;
      }
      uint32_t length = 0;
      while (length < bytes && data[length] != 0) length++;
      append(to, sizeof record->payload, used, data, length);
      append(to, sizeof record->payload, used, "", 1);
    } else {
      append(to, sizeof record->payload, used, data, bytes);
    }
  }
}
