/* SPDX-License-Identifier: MIT */
/* Events that are too much for the short way of src/ust: their fields come one by one. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER long_way

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "by_hand.h"

#if !defined(SILLAGE_TEST_BY_HAND_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_TEST_BY_HAND_H

#include <lttng/tracepoint.h>

#include <stdint.h>

/* clang-format off */

/* A text that ends before its field does, and is then filled up: with more than a stack should hold. */
LTTNG_UST_TRACEPOINT_EVENT(long_way, filled,
  LTTNG_UST_TP_ARGS(const char*, text, unsigned int, length),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_integer(int, before, (int)length)
    lttng_ust_field_array_text(char, fixed, text, 24)
    lttng_ust_field_sequence_text(char, text, text, uint16_t, length)
    lttng_ust_field_string(whole, text)
    lttng_ust_field_float(float, after, 0.5f)
    lttng_ust_field_integer_nowrite(int, unwritten, (int)length)))

/* More than a sub-buffer of any kind has room for at once is made of one of these. */
LTTNG_UST_TRACEPOINT_EVENT(long_way, large,
  LTTNG_UST_TP_ARGS(const uint16_t*, items, unsigned int, count),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_sequence(uint16_t, items, items, uint32_t, count)
    lttng_ust_field_integer(int, after, 7)))

#define FOUR(name, value) \
  lttng_ust_field_integer(int, name##_1, value) lttng_ust_field_string(name##_2, "two") \
  lttng_ust_field_integer(int8_t, name##_3, value) lttng_ust_field_string(name##_4, "four")
#define SIXTEEN(name, value) \
  FOUR(name##_a, value) FOUR(name##_b, value) FOUR(name##_c, value) FOUR(name##_d, value)
LTTNG_UST_TRACEPOINT_EVENT(long_way, many,
  LTTNG_UST_TP_ARGS(int, n),
  LTTNG_UST_TP_FIELDS(SIXTEEN(one, n) SIXTEEN(two, n + 1) SIXTEEN(three, n + 2) SIXTEEN(four, n + 3)
                      SIXTEEN(five, -n)))

/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
