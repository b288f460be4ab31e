// SPDX-License-Identifier: MIT
// nested ROUNDS EVENT: a provider that no macro makes, described by hand from LTTng-UST's public headers, of two events: one is
// plain, the other has a field of a structure, of dynamic type, or of a type that these headers do not know.
#define LTTNG_UST_TRACEPOINT_DEFINE
#include <lttng/tracepoint.h>
#include <lttng/ust-events.h>
#include <lttng/ust-ringbuffer-context.h>

#include <stdlib.h>
#include <string.h>

#define ARGUMENTS LTTNG_UST_TP_ARGS(int, number)
#define EVENT(name)                                      \
  LTTNG_UST__DECLARE_TRACEPOINT(nested, name, ARGUMENTS) \
  LTTNG_UST__DEFINE_TRACEPOINT(nested, name, ARGUMENTS)
EVENT(plain)
EVENT(structure)
EVENT(dynamic)
EVENT(unknown)
int lttng_ust_tracepoint_provider_nested;  // what the calls refer to

static const struct lttng_ust_type_integer kInt = {
    {lttng_ust_type_integer}, sizeof kInt, 32, 8, 1, 0, 10};
static const struct lttng_ust_event_field kNumber = {sizeof kNumber, "number", &kInt.parent, 0, 0};
static const struct lttng_ust_event_field kTwice = {sizeof kTwice, "twice", &kInt.parent, 0, 0};
static const struct lttng_ust_event_field* const kMembers[] = {&kNumber, &kTwice};
static const struct lttng_ust_type_struct kStructure = {
    {lttng_ust_type_struct}, sizeof kStructure, 2, kMembers, 8};
static const struct lttng_ust_type_common kDynamic = {lttng_ust_type_dynamic};
// Behind the last one that there is; newer headers have some.
static const struct {
  struct lttng_ust_type_common parent;
  uint32_t struct_size;
  char more[56];
} kUnknown = {{NR_LTTNG_UST_TYPE}, sizeof kUnknown, ""};

static const struct lttng_ust_event_field kOfStructure = {sizeof kOfStructure, "both",
                                                          &kStructure.parent, 0, 0};
static const struct lttng_ust_event_field kOfDynamic = {sizeof kOfDynamic, "any", &kDynamic, 0, 0};
static const struct lttng_ust_event_field kOfUnknown = {sizeof kOfUnknown, "new", &kUnknown.parent,
                                                        0, 0};
static const struct lttng_ust_event_field* const kPlainFields[] = {&kNumber, &kTwice};
static const struct lttng_ust_event_field* const kStructureFields[] = {&kNumber, &kOfStructure};
static const struct lttng_ust_event_field* const kDynamicFields[] = {&kNumber, &kOfDynamic};
static const struct lttng_ust_event_field* const kUnknownFields[] = {&kNumber, &kOfUnknown};

static void probe(void* data, int number);
static void structure_probe(void* data, int number);

static const struct lttng_ust_probe_desc kProvider;
#define CLASS(name, callback)                                       \
  static const struct lttng_ust_tracepoint_class k##name##Class = { \
      sizeof k##name##Class,      k##name##Fields, 2,               \
      (void (*)(void))(callback), "int, number",   &kProvider}
CLASS(Plain, probe);
CLASS(Structure, structure_probe);
CLASS(Dynamic, probe);
CLASS(Unknown, probe);
static const struct lttng_ust_event_desc kPlain = {sizeof kPlain, "plain", &kProvider,
                                                   &kPlainClass,  NULL,    NULL};
static const struct lttng_ust_event_desc kStructureEvent = {
    sizeof kStructureEvent, "structure", &kProvider, &kStructureClass, NULL, NULL};
static const struct lttng_ust_event_desc kDynamicEvent = {
    sizeof kDynamicEvent, "dynamic", &kProvider, &kDynamicClass, NULL, NULL};
static const struct lttng_ust_event_desc kUnknownEvent = {
    sizeof kUnknownEvent, "unknown", &kProvider, &kUnknownClass, NULL, NULL};
static const struct lttng_ust_event_desc* const kAll[] = {&kPlain, &kStructureEvent, &kDynamicEvent,
                                                          &kUnknownEvent};
static const struct lttng_ust_event_desc* events[4];
static const struct lttng_ust_probe_desc kProvider = {
    sizeof kProvider, "nested", events, 2, LTTNG_UST_PROVIDER_MAJOR, LTTNG_UST_PROVIDER_MINOR};

static void record(void* data, int number, size_t count) {
  struct lttng_ust_event_common* event = data;
  struct lttng_ust_event_recorder* recorder = event->child;
  struct lttng_ust_channel_buffer* channel = recorder->chan;
  struct lttng_ust_probe_ctx about = {sizeof about, __builtin_return_address(0)};
  struct lttng_ust_ring_buffer_ctx record;
  const int numbers[3] = {number, 2 * number, 3 * number};
  if (!event->enabled) return;
  lttng_ust_ring_buffer_ctx_init(&record, recorder, count * sizeof number, 1, &about);
  if (channel->ops->event_reserve(&record) < 0) return;
  channel->ops->event_write(&record, numbers, count * sizeof number, 1);
  channel->ops->event_commit(&record);
}

static void probe(void* data, int number) { record(data, number, 2); }
static void structure_probe(void* data, int number) { record(data, number, 3); }

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? atoi(argv[1]) : 1;
  events[0] = &kPlain;
  for (int i = 0; i < 4; i++)
    if (argc > 2 && strcmp(kAll[i]->event_name, argv[2]) == 0) events[1] = kAll[i];
  if (events[1] == NULL) return 2;
  struct lttng_ust_registered_probe* provider = lttng_ust_probe_register(&kProvider);
  for (int i = 0; i < rounds; i++) {
    lttng_ust_tracepoint(nested, plain, i);
    lttng_ust_tracepoint(nested, structure, i);
    lttng_ust_tracepoint(nested, dynamic, i);
    lttng_ust_tracepoint(nested, unknown, i);
  }
  if (provider != NULL) lttng_ust_probe_unregister(provider);
  return 0;
}
