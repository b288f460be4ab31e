/* SPDX-License-Identifier: MIT */
/*
 * A program with BENCH_SITES tracepoints (1 or 100), that ends at once or, with any argument, when stdin does.
 * BENCH_SILLAGE or BENCH_LTTNG says whose tracepoints; neither: none at all, the floor.
 */
#include <unistd.h>

/* The events are numbered by two digits: that makes BENCH_EVENT(n) the same for both. */
#define BENCH_TEN(n) \
  BENCH_EVENT(n##0)  \
  BENCH_EVENT(n##1)  \
  BENCH_EVENT(n##2)  \
  BENCH_EVENT(n##3)  \
  BENCH_EVENT(n##4)  \
  BENCH_EVENT(n##5) BENCH_EVENT(n##6) BENCH_EVENT(n##7) BENCH_EVENT(n##8) BENCH_EVENT(n##9)
#if BENCH_SITES == 100
#define BENCH_ALL \
  BENCH_TEN(0)    \
  BENCH_TEN(1)    \
  BENCH_TEN(2)    \
  BENCH_TEN(3) BENCH_TEN(4) BENCH_TEN(5) BENCH_TEN(6) BENCH_TEN(7) BENCH_TEN(8) BENCH_TEN(9)
#else
#define BENCH_ALL BENCH_EVENT(00)
#endif

#if defined(BENCH_LTTNG)
#include "startup_lttng_events.h"
#define BENCH_EVENT(n) lttng_ust_tracepoint(bench_startup, e##n, argc);
#elif defined(BENCH_SILLAGE)
#include <sillage/tracepoint.h>
#define BENCH_EVENT(n) SILLAGE_TRACEPOINT(bench_startup, e##n, INFO, sillage_field(a, argc));
#else
#define BENCH_EVENT(n)
#endif

int main(int argc, char** argv) {
  (void)argv;
  BENCH_ALL
  char byte;
  if (argc > 1 && read(0, &byte, 1) < 0) return 1;
  return 0;
}
