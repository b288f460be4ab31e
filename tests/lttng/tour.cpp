// SPDX-License-Identifier: MIT
// A program that does what it is told, built with Sillage's tracepoints and with LTTng-UST's: for each line "N" on its
// standard input it emits N times tour:step (INFO), tour:detail (DEBUG) and tour:alarm (CRIT), and answers "done".
#ifdef WITH_LTTNG_UST
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "tour_events.h"
#else
#include <sillage/tracepoint.h>
#endif

#include <cstdio>
#include <cstdlib>

namespace {

void emit(int index) {
  const char* text = index % 2 == 0 ? "even" : "odd";
#ifdef WITH_LTTNG_UST
  lttng_ust_tracepoint(tour, step, index, text);
  lttng_ust_tracepoint(tour, detail, index);
  lttng_ust_tracepoint(tour, alarm, index);
#else
  SILLAGE_TRACEPOINT(tour, step, INFO, sillage_field(index, index), sillage_field(text, text));
  SILLAGE_TRACEPOINT(tour, detail, DEBUG, sillage_field(index, index));
  SILLAGE_TRACEPOINT(tour, alarm, CRIT, sillage_field(index, index));
#endif
}

}  // namespace

int main() {
  int index = 0;
  char line[32];
  std::puts("ready");
  std::fflush(stdout);
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    for (int count = std::atoi(line); count > 0; --count) emit(index++);
    std::puts("done");
    std::fflush(stdout);
  }
}
