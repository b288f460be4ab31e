// SPDX-License-Identifier: MIT
// by_hand ROUNDS: events whose fields come one by one, and a provider that nobody's macros made: descriptions and a probe that
// asks for no filter, written by hand from LTTng-UST's public headers.
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "by_hand.h"

#include <lttng/ust-events.h>
#include <lttng/ust-ringbuffer-context.h>

#include <stdlib.h>
#include <string.h>

#define ARGUMENTS LTTNG_UST_TP_ARGS(int, number, const char*, text)

LTTNG_UST__DECLARE_TRACEPOINT(by_hand, plain, ARGUMENTS)
LTTNG_UST__DEFINE_TRACEPOINT(by_hand, plain, ARGUMENTS)
int lttng_ust_tracepoint_provider_by_hand;  // what the call refers to, so that it is linked with its provider

static const struct lttng_ust_type_integer kInt = {
    {lttng_ust_type_integer}, sizeof kInt, 32, 8, 1, 0, 10};
static const struct lttng_ust_type_string kText = {
    {lttng_ust_type_string}, sizeof kText, lttng_ust_string_encoding_UTF8};
static const struct lttng_ust_type_integer kByte = {
    {lttng_ust_type_integer}, sizeof kByte, 8, 8, 0, 0, 16};
static const struct lttng_ust_type_array kBytes = {
    {lttng_ust_type_array}, sizeof kBytes, &kByte.parent, 20, 0, lttng_ust_string_encoding_none};
static const struct lttng_ust_event_field kNumber = {sizeof kNumber, "number", &kInt.parent, 0, 0};
static const struct lttng_ust_event_field kName = {sizeof kName, "text", &kText.parent, 0, 0};
static const struct lttng_ust_event_field kData = {sizeof kData, "data", &kBytes.parent, 0, 0};
static const struct lttng_ust_event_field* const kFields[] = {&kNumber, &kName, &kData};

static void probe(void* data, int number, const char* text);

static const struct lttng_ust_probe_desc kProvider;
static const struct lttng_ust_tracepoint_class kClass = {
    sizeof kClass, kFields, 3, (void (*)(void))probe, "int, number, const char*, text", &kProvider};
static const struct lttng_ust_event_desc kEvent = {sizeof kEvent, "plain", &kProvider,
                                                   &kClass,       NULL,    NULL};
static const struct lttng_ust_event_desc* const kEvents[] = {&kEvent};
static const struct lttng_ust_probe_desc kProvider = {
    sizeof kProvider, "by_hand", kEvents, 1, LTTNG_UST_PROVIDER_MAJOR, LTTNG_UST_PROVIDER_MINOR};

static void probe(void* data, int number, const char* text) {
  struct lttng_ust_event_common* event = data;
  struct lttng_ust_event_recorder* recorder = event->child;
  struct lttng_ust_channel_buffer* channel = recorder->chan;
  struct lttng_ust_probe_ctx about = {sizeof about, __builtin_return_address(0)};
  struct lttng_ust_ring_buffer_ctx record;
  const size_t bytes = strlen(text) + 1;
  unsigned char array[20];
  if (!event->enabled) return;
  memset(array, number, sizeof array);
  lttng_ust_ring_buffer_ctx_init(&record, recorder, sizeof number + bytes + sizeof array, 1,
                                 &about);
  if (channel->ops->event_reserve(&record) < 0) return;
  channel->ops->event_write(&record, &number, sizeof number, 1);
  channel->ops->event_strcpy(&record, text, bytes);
  channel->ops->event_write(&record, array, sizeof array, 1);
  channel->ops->event_commit(&record);
}

int main(int argc, char** argv) {
  static uint16_t items[5000];
  static char text[3000];
  const int rounds = argc > 1 ? atoi(argv[1]) : 1;
  struct lttng_ust_registered_probe* provider = lttng_ust_probe_register(&kProvider);
  for (int i = 0; i < 5000; i++) items[i] = (uint16_t)i;
  for (int round = 0; round < rounds; round++) {
    const int i = 1 + round % 24;
    memset(text, 'x', (size_t)i);
    text[i] = 0;
    lttng_ust_tracepoint(by_hand, plain, i, text);
    lttng_ust_tracepoint(long_way, filled, text, (unsigned)(i * i * 5));
    lttng_ust_tracepoint(long_way, large, items, (unsigned)(i * 200));
    lttng_ust_tracepoint(long_way, many, i);
  }
  lttng_ust_probe_unregister(provider);
  return 0;
}
