/* SPDX-License-Identifier: MIT */
/* LTTng-UST's description of the events of lttng_program.c, of every kind of field it has; it is read several times. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER kinds

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "lttng_events.h"

#if !defined(SILLAGE_TEST_LTTNG_EVENTS_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_TEST_LTTNG_EVENTS_H

#include <lttng/tracepoint.h>

#include <stdint.h>

LTTNG_UST_TRACEPOINT_EVENT(
    kinds, integers, LTTNG_UST_TP_ARGS(int64_t, n),
    LTTNG_UST_TP_FIELDS(
        lttng_ust_field_integer(int8_t, i8, (int8_t)n)
            lttng_ust_field_integer(uint8_t, u8, (uint8_t)n)
                lttng_ust_field_integer(int16_t, i16, (int16_t)n)
                    lttng_ust_field_integer_hex(uint16_t, x16, (uint16_t)n)
                        lttng_ust_field_integer(int32_t, i32, (int32_t)n)
                            lttng_ust_field_integer_network(uint32_t, n32, (uint32_t)n)
                                lttng_ust_field_integer_network_hex(uint16_t, nx16, (uint16_t)n)
                                    lttng_ust_field_integer(int64_t, i64, n)
                                        lttng_ust_field_integer_hex(uint64_t, x64, (uint64_t)n)))
LTTNG_UST_TRACEPOINT_LOGLEVEL(kinds, integers, LTTNG_UST_TRACEPOINT_LOGLEVEL_WARNING)

LTTNG_UST_TRACEPOINT_EVENT(kinds, reals, LTTNG_UST_TP_ARGS(double, x),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_float(float, f, (float)x)
                                                   lttng_ust_field_float(double, d, x)))

LTTNG_UST_TRACEPOINT_EVENT(
    kinds, texts, LTTNG_UST_TP_ARGS(const char*, text, unsigned int, length),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_string(whole, text) lttng_ust_field_array_text(char, first,
                                                                                       text, 4)
                            lttng_ust_field_sequence_text(char, part, text, unsigned int, length)))
LTTNG_UST_TRACEPOINT_MODEL_EMF_URI(kinds, texts, "http://example.com/texts?q=1")

LTTNG_UST_TRACEPOINT_EVENT(
    kinds, lists, LTTNG_UST_TP_ARGS(const int16_t*, items, unsigned int, length),
    LTTNG_UST_TP_FIELDS(lttng_ust_field_array(int16_t, three, items, 3)
                            lttng_ust_field_sequence(int16_t, some, items, unsigned int, length)
                                lttng_ust_field_sequence_hex(int16_t, hex, items, uint8_t, length)))

LTTNG_UST_TRACEPOINT_ENUM(kinds, states,
                          LTTNG_UST_TP_ENUM_VALUES(lttng_ust_field_enum_value(
                              "IDLE", 0) lttng_ust_field_enum_range("BUSY", 1, 5)
                                                       lttng_ust_field_enum_range("LATE", 4, 9)
                                                           lttng_ust_field_enum_value("a \"b\"", 20)
                                                               lttng_ust_field_enum_auto("NEXT")))
LTTNG_UST_TRACEPOINT_EVENT(kinds, choices, LTTNG_UST_TP_ARGS(int, n),
                           LTTNG_UST_TP_FIELDS(lttng_ust_field_enum(kinds, states, int, state, n)
                                                   lttng_ust_field_enum(kinds, states,
                                                                        unsigned char, small, n)))

LTTNG_UST_TRACEPOINT_EVENT(kinds, nothing, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())

#endif

#include <lttng/tracepoint-event.h>
