// SPDX-License-Identifier: MIT
// contexts ROUNDS: a program that brings contexts of its own, of every type that there is; the value changes with each event.
//
// The structures are those of liblttng-ust's interface for LTTng's Java agent; no header of Debian's has them.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "life.h"

#include <lttng/ust-events.h>
#include <lttng/ust-ringbuffer-context.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { NONE, S8, S16, S32, S64, U8, U16, U32, U64, FLOAT, DOUBLE, STRING, KINDS };

struct context_value {
  enum kind kind;
  union {
    int64_t s64;
    uint64_t u64;
    const char* text;
    double real;
  } u;
};

struct context_provider {
  uint32_t struct_size;
  const char* name;
  size_t (*get_size)(void* about, struct lttng_ust_probe_ctx* probe, size_t offset);
  void (*record)(void* about, struct lttng_ust_probe_ctx* probe,
                 struct lttng_ust_ring_buffer_ctx* recording,
                 struct lttng_ust_channel_buffer* channel);
  void (*get_value)(void* about, struct lttng_ust_probe_ctx* probe, struct context_value* value);
  void* priv;
};

// What the callbacks get: which context is asked for.
struct asked_context {
  uint32_t struct_size;
  struct lttng_ust_event_field* field;
  const char* name;
};

void* lttng_ust_context_provider_register(struct context_provider* provider);
void lttng_ust_context_provider_unregister(void* registered);

static uint64_t number;       // of the event
static char text[3000] = "";  // of this length in bytes, with its NUL

// "kind" changes from event to event, and "signed", which is none where that is unsigned; "text" is one always, "absent" is none.
static enum kind kind_of(const void* about) {
  const char* name = ((const struct asked_context*)about)->name;
  if (strstr(name, ":text") != NULL) return STRING;
  const enum kind kind = (enum kind)(number % KINDS);
  if (strstr(name, ":signed") != NULL) return kind >= U8 && kind <= U64 ? NONE : kind;
  return strstr(name, ":kind") != NULL ? kind : NONE;
}

static size_t value_bytes(enum kind kind) {
  static const size_t kBytes[KINDS] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8, 0};
  return kind == STRING ? strlen(text) + 1 : kBytes[kind];
}

static size_t get_size(void* about, struct lttng_ust_probe_ctx* probe, size_t offset) {
  (void)probe;
  const enum kind kind = kind_of(about);
  size_t size = lttng_ust_ring_buffer_align(offset, 1) + 1;
  const size_t bytes = value_bytes(kind);
  if (kind != STRING && bytes != 0) size += lttng_ust_ring_buffer_align(offset + size, bytes);
  return size + bytes;
}

static void record(void* about, struct lttng_ust_probe_ctx* probe,
                   struct lttng_ust_ring_buffer_ctx* recording,
                   struct lttng_ust_channel_buffer* channel) {
  (void)probe;
  const enum kind kind = kind_of(about);
  const char tag = (char)kind;
  const size_t bytes = value_bytes(kind);
  channel->ops->event_write(recording, &tag, 1, 1);
  const uint64_t whole = number * 0x0101010101010101u;
  const float real = (float)number / 4;
  const double large = (double)number / 8;
  switch (kind) {
    case NONE: return;
    case STRING: channel->ops->event_write(recording, text, bytes, 1); return;
    case FLOAT: channel->ops->event_write(recording, &real, bytes, bytes); return;
    case DOUBLE: channel->ops->event_write(recording, &large, bytes, bytes); return;
    default: channel->ops->event_write(recording, &whole, bytes, bytes); return;
  }
}

static void get_value(void* about, struct lttng_ust_probe_ctx* probe, struct context_value* value) {
  (void)probe;
  value->kind = kind_of(about);
  switch (value->kind) {
    case NONE: return;
    case STRING: value->u.text = text; return;
    case FLOAT:
      value->kind = DOUBLE;
      value->u.real = (double)number / 4;
      return;
    case DOUBLE: value->u.real = (double)number / 8; return;
    default: {
      const unsigned unused = 64 - 8 * (unsigned)value_bytes(value->kind);
      const uint64_t top = (number * 0x0101010101010101u) << unused;
      const int is_signed = value->kind <= S64;
      value->kind = is_signed ? S64 : U64;
      value->u.u64 = is_signed ? (uint64_t)((int64_t)top >> unused) : top >> unused;
    }
  }
}

static void steps(uint64_t count) {
  for (uint64_t end = number + count; number < end; number++) {
    memset(text, 'a' + (int)(number % 26), number % 40);
    text[number % 40] = 0;
    lttng_ust_tracepoint(life, step, 1, number, "some text");
  }
}

int main(int argc, char** argv) {
  const uint64_t rounds = argc < 2 ? 100 : strtoull(argv[1], NULL, 10);
  static struct context_provider provider = {sizeof provider, "$app.test", get_size,
                                             record,          get_value,   NULL};
  static struct context_provider refused = {sizeof refused, "test",    get_size,
                                            record,         get_value, NULL};
  steps(rounds);  // nobody brings them
  void* registered = lttng_ust_context_provider_register(&provider);
  if (registered == NULL || lttng_ust_context_provider_register(&provider) != NULL ||
      lttng_ust_context_provider_register(&refused) != NULL) {
    fprintf(stderr, "providers of contexts are not registered as they should be\n");
    return 1;
  }
  steps(rounds);
  memset(text, 'x', sizeof text - 1);  // more than fits a small buffer
  lttng_ust_tracepoint(life, step, 2, number, "long");
  lttng_ust_context_provider_unregister(registered);
  steps(rounds);
  return 0;
}
