/* SPDX-License-Identifier: MIT */
/* The events of tour.cpp for LTTng-UST, which reads this several times. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER tour

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "tour_events.h"

#if !defined(SILLAGE_TEST_TOUR_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_TEST_TOUR_EVENTS_H

#include <lttng/tracepoint.h>

LTTNG_UST_TRACEPOINT_EVENT(tour, step, LTTNG_UST_TP_ARGS(int, index, const char*, text),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, index, index)
                                                   lttng_ust_field_string(text, text)))
LTTNG_UST_TRACEPOINT_LOGLEVEL(tour, step, LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO)

LTTNG_UST_TRACEPOINT_EVENT(tour, detail, LTTNG_UST_TP_ARGS(int, index),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, index, index)))
LTTNG_UST_TRACEPOINT_LOGLEVEL(tour, detail, LTTNG_UST_TRACEPOINT_LOGLEVEL_DEBUG)

LTTNG_UST_TRACEPOINT_EVENT(tour, alarm, LTTNG_UST_TP_ARGS(int, index),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, index, index)))
LTTNG_UST_TRACEPOINT_LOGLEVEL(tour, alarm, LTTNG_UST_TRACEPOINT_LOGLEVEL_CRIT)

#endif

#include <lttng/tracepoint-event.h>
