/* SPDX-License-Identifier: MIT */
/* What the C and the C++ tests share: comparing a record with what was meant, byte for byte. */
#ifndef SILLAGE_TESTS_TRACEPOINT_CHECKS_H
#define SILLAGE_TESTS_TRACEPOINT_CHECKS_H

#include "double.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define EXPECT(condition)                                                       \
  do {                                                                          \
    if (!(condition)) {                                                         \
      fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
      failures++;                                                               \
    }                                                                           \
  } while (0)

/* Payload as a string literal, without the NUL that ends it. */
#define EXPECT_PAYLOAD(text) \
  expect_bytes(__LINE__, double_last.payload, double_last.bytes, text, sizeof(text) - 1)
#define EXPECT_NOWRITE(text) \
  expect_bytes(__LINE__, double_last.nowrite, double_last.nowrite_bytes, text, sizeof(text) - 1)
#define EXPECT_PATH(expected) EXPECT(double_last.path == (expected))

static inline void expect_bytes(int line, const unsigned char* got, unsigned got_bytes,
                                const char* wanted, size_t bytes) {
  if (got_bytes == bytes && memcmp(got, wanted, bytes) == 0) return;
  fprintf(stderr, "line %d: payload of %u bytes, expected %zu\n  got     ", line, got_bytes, bytes);
  for (unsigned i = 0; i < got_bytes && i < 64; i++) fprintf(stderr, " %02x", got[i]);
  fprintf(stderr, "\n  expected");
  for (size_t i = 0; i < bytes && i < 64; i++) fprintf(stderr, " %02x", (unsigned char)wanted[i]);
  fprintf(stderr, "\n");
  failures++;
}

/* Field `index` of the last event. */
#define EXPECT_FIELD(index, name, kind, size, flags, base, count) \
  expect_field(__LINE__, index, name, kind, size, flags, base, count)

static inline void expect_field(int line, unsigned index, const char* name, unsigned kind,
                                unsigned size, unsigned flags, unsigned base, unsigned count) {
  const struct sillage_field* field = &double_last.event->fields[index];
  if (index < double_last.event->field_count && strcmp(field->name, name) == 0 &&
      field->kind == kind && field->size == size && field->flags == flags && field->base == base &&
      field->count == count) {
    return;
  }
  fprintf(stderr, "line %d: field %u is %s kind %u size %u flags %u base %u count %u\n", line,
          index, field->name, field->kind, field->size, field->flags, field->base, field->count);
  failures++;
}

/* Opens kinds:EVENT for the statement behind, whose record is then in double_last. */
#define RECORDING(event) double_reset(), double_open("kinds", #event)

#endif
