/* SPDX-License-Identifier: MIT */
/* LTTng-UST's description of the events of startup.c; LTTng reads this file several times. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER bench_startup

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "startup_lttng_events.h"

#if !defined(SILLAGE_BENCH_STARTUP_LTTNG_EVENTS_H) || \
    defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_BENCH_STARTUP_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>

#ifndef BENCH_LTTNG_ONE
#define BENCH_LTTNG_ONE(n)                                                   \
  LTTNG_UST_TRACEPOINT_EVENT(bench_startup, e##n, LTTNG_UST_TP_ARGS(int, a), \
                             LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a)))
#define BENCH_LTTNG_TEN(n) \
  BENCH_LTTNG_ONE(n##0)    \
  BENCH_LTTNG_ONE(n##1)    \
  BENCH_LTTNG_ONE(n##2)    \
  BENCH_LTTNG_ONE(n##3)    \
  BENCH_LTTNG_ONE(n##4)    \
  BENCH_LTTNG_ONE(n##5)    \
  BENCH_LTTNG_ONE(n##6) BENCH_LTTNG_ONE(n##7) BENCH_LTTNG_ONE(n##8) BENCH_LTTNG_ONE(n##9)
#endif

#if BENCH_SITES == 100
BENCH_LTTNG_TEN(0)
BENCH_LTTNG_TEN(1)
BENCH_LTTNG_TEN(2)
BENCH_LTTNG_TEN(3)
BENCH_LTTNG_TEN(4)
BENCH_LTTNG_TEN(5)
BENCH_LTTNG_TEN(6)
BENCH_LTTNG_TEN(7)
BENCH_LTTNG_TEN(8)
BENCH_LTTNG_TEN(9)
#else
BENCH_LTTNG_ONE(00)
#endif

#endif

#include <lttng/tracepoint-event.h>
