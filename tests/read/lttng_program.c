// SPDX-License-Identifier: MIT
// Emits every kind of field that LTTng-UST 2.13 has, from two threads: lttng_program ROUNDS
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "lttng_events.h"

#include <pthread.h>
#include <stdlib.h>

static int rounds;

static void* emit(void* unused) {
  // No text is empty: babeltrace2 2.0.4 prints the value before it then.
  static const char* const texts[] = {"a b", "with \"quotes\", \\ and\ttab\nline",
                                      "\xc3\xa9t\xc3\xa9 \xe2\x82\xac", "\xff no UTF-8"};
  static const int16_t items[] = {-1, 0, 32767, -32768, 256};
  for (int i = 0; i < rounds; ++i) {
    lttng_ust_tracepoint(kinds, integers, (int64_t)((uint64_t)i * 0x9e3779b97f4a7c15));
    lttng_ust_tracepoint(kinds, reals, i % 7 == 0 ? -1e300 * i : 1.0 / (i + 1));
    lttng_ust_tracepoint(kinds, texts, texts[i % 4], (unsigned int)(1 + i % 3));
    lttng_ust_tracepoint(kinds, lists, items, (unsigned int)(i % 6));
    lttng_ust_tracepoint(kinds, choices, i % 24);
    lttng_ust_tracepoint(kinds, nothing);
  }
  return unused;
}

int main(int argc, char** argv) {
  rounds = argc > 1 ? atoi(argv[1]) : 1;
  pthread_t other;
  if (pthread_create(&other, NULL, emit, NULL) != 0) return 1;
  emit(NULL);
  return pthread_join(other, NULL);
}
