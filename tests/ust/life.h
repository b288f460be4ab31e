/* SPDX-License-Identifier: MIT */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER life

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "life.h"

#if !defined(SILLAGE_TEST_LIFE_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_TEST_LIFE_H

#include <lttng/tracepoint.h>

#include <stdint.h>

/* clang-format off */

LTTNG_UST_TRACEPOINT_EVENT(life, step, LTTNG_UST_TP_ARGS(int, who, uint64_t, n, const char*, text),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_integer(int, who, who)
    lttng_ust_field_integer(uint64_t, n, n)
    lttng_ust_field_string(text, text)))

LTTNG_UST_TRACEPOINT_EVENT(life, large, LTTNG_UST_TP_ARGS(const char*, bytes, size_t, count),
  LTTNG_UST_TP_FIELDS(lttng_ust_field_sequence(char, bytes, bytes, size_t, count)))

/* clang-format on */
#endif

#include <lttng/tracepoint-event.h>
