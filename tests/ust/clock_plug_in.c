// SPDX-License-Identifier: MIT
// A plug-in for LTTNG_UST_CLOCK_PLUGIN: CLOCK_MONOTONIC in microseconds.
#include <lttng/ust-clock.h>

#include <string.h>
#include <time.h>

void lttng_ust_clock_plugin_init(void);

static uint64_t read64(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t frequency(void) { return 1000000; }

static int uuid(char* to) {
  memcpy(to, "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0", LTTNG_UST_UUID_STR_LEN);
  return 0;
}

static const char* name(void) { return "micro"; }

static const char* description(void) { return "Microseconds since boot"; }

void lttng_ust_clock_plugin_init(void) {
  if (lttng_ust_trace_clock_set_read64_cb(read64) != 0 ||
      lttng_ust_trace_clock_set_freq_cb(frequency) != 0 ||
      lttng_ust_trace_clock_set_uuid_cb(uuid) != 0 ||
      lttng_ust_trace_clock_set_name_cb(name) != 0 ||
      lttng_ust_trace_clock_set_description_cb(description) != 0)
    return;
  lttng_ust_enable_trace_clock_override();
}
