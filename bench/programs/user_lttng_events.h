/* SPDX-License-Identifier: MIT */
/* LTTng-UST's description of the events of user_lttng.cpp; LTTng reads this file several times. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "user_lttng_events.h"

#if !defined(SILLAGE_BENCH_USER_LTTNG_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_BENCH_USER_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>

#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(bench, none, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())

LTTNG_UST_TRACEPOINT_EVENT_CLASS(bench, one_int, LTTNG_UST_TP_ARGS(int, a),
                                 LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a)))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(bench, one_int, bench, int1, LTTNG_UST_TP_ARGS(int, a))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(bench, one_int, bench, ctx, LTTNG_UST_TP_ARGS(int, a))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(bench, one_int, bench, level, LTTNG_UST_TP_ARGS(int, a))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(bench, one_int, bench, off, LTTNG_UST_TP_ARGS(int, a))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(bench, one_int, bench, filter, LTTNG_UST_TP_ARGS(int, a))
LTTNG_UST_TRACEPOINT_LOGLEVEL(bench, level, LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)

LTTNG_UST_TRACEPOINT_EVENT(bench, int2, LTTNG_UST_TP_ARGS(int, a, int, b),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a)
                                                   lttng_ust_field_integer(int, b, b)))
LTTNG_UST_TRACEPOINT_EVENT(bench, int4, LTTNG_UST_TP_ARGS(int, a, int, b, int, c, int, d),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a)
                                                   lttng_ust_field_integer(int, b, b)
                                                       lttng_ust_field_integer(int, c, c)
                                                           lttng_ust_field_integer(int, d, d)))
LTTNG_UST_TRACEPOINT_EVENT(bench, intstr, LTTNG_UST_TP_ARGS(int, a, const char*, s),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a)
                                                   lttng_ust_field_string(s, s)))
LTTNG_UST_TRACEPOINT_EVENT(bench, filtertext, LTTNG_UST_TP_ARGS(int, a, const char*, s),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a)
                                                   lttng_ust_field_string(s, s)))
LTTNG_UST_TRACEPOINT_EVENT(bench, arr64, LTTNG_UST_TP_ARGS(const uint8_t*, s),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_array(uint8_t, s, s, 64)))

#endif

#include <lttng/tracepoint-event.h>
