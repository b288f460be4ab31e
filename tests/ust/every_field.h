/* SPDX-License-Identifier: MIT */
/* LTTng-UST's description of events with every kind of field it has macros for, by the names of its second generation; it is
 * read several times. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER every

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "every_field.h"

#if !defined(SILLAGE_TEST_EVERY_FIELD_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_TEST_EVERY_FIELD_H

#include <lttng/tracepoint.h>

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */

LTTNG_UST_TRACEPOINT_EVENT(every, integers, LTTNG_UST_TP_ARGS(int64_t, n),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_integer(int8_t, i8, (int8_t)n)
    lttng_ust_field_integer(uint8_t, u8, (uint8_t)n)
    lttng_ust_field_integer(int16_t, i16, (int16_t)n)
    lttng_ust_field_integer(uint16_t, u16, (uint16_t)n)
    lttng_ust_field_integer(int32_t, i32, (int32_t)n)
    lttng_ust_field_integer(uint32_t, u32, (uint32_t)n)
    lttng_ust_field_integer(int64_t, i64, n)
    lttng_ust_field_integer(uint64_t, u64, (uint64_t)n)
    lttng_ust_field_integer(bool, truth, n & 1)
    lttng_ust_field_integer(char, letter, (char)n)
    lttng_ust_field_integer_hex(int16_t, hex_signed, (int16_t)n)
    lttng_ust_field_integer_hex(unsigned long, hex, (unsigned long)n)
    lttng_ust_field_integer_network(uint16_t, network16, (uint16_t)n)
    lttng_ust_field_integer_network(int32_t, network32, (int32_t)n)
    lttng_ust_field_integer_network(uint64_t, network64, (uint64_t)n)
    lttng_ust_field_integer_network_hex(uint32_t, network_hex, (uint32_t)n)
    lttng_ust_field_integer_nowrite(int, not_written, (int)n)))
LTTNG_UST_TRACEPOINT_LOGLEVEL(every, integers, LTTNG_UST_TRACEPOINT_LOGLEVEL_WARNING)

LTTNG_UST_TRACEPOINT_EVENT(every, reals, LTTNG_UST_TP_ARGS(double, x),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_float(float, f, (float)x)
    lttng_ust_field_float(double, d, x)
    lttng_ust_field_float_nowrite(double, not_written, x)))

LTTNG_UST_TRACEPOINT_EVENT(every, strings,
  LTTNG_UST_TP_ARGS(const char*, text, const char*, nothing, unsigned int, length),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_string(whole, text)
    lttng_ust_field_string(missing, nothing)
    lttng_ust_field_string_nowrite(not_written, text)
    lttng_ust_field_array_text(char, four, text, 4)
    lttng_ust_field_array_text_nowrite(char, four_not_written, text, 4)
    lttng_ust_field_sequence_text(char, part, text, unsigned int, length)
    lttng_ust_field_sequence_text(char, part_8, text, uint8_t, length)
    lttng_ust_field_sequence_text(char, part_size_t, text, size_t, length)
    lttng_ust_field_sequence_text_nowrite(char, part_not_written, text, size_t, length)))
LTTNG_UST_TRACEPOINT_MODEL_EMF_URI(every, strings, "http://example.com/strings?q=1")

LTTNG_UST_TRACEPOINT_EVENT(every, arrays, LTTNG_UST_TP_ARGS(const int16_t*, items, const uint8_t*, bytes),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_array(int16_t, plain, items, 3)
    lttng_ust_field_array(uint8_t, octets, bytes, 5)
    lttng_ust_field_array_nowrite(int16_t, plain_not_written, items, 3)
    lttng_ust_field_array_hex(uint16_t, hex, items, 3)
    lttng_ust_field_array_nowrite_hex(uint16_t, hex_not_written, items, 3)
    lttng_ust_field_array_network(int16_t, network, items, 3)
    lttng_ust_field_array_network_nowrite(int16_t, network_not_written, items, 3)
    lttng_ust_field_array_network_hex(uint16_t, network_hex, items, 3)
    lttng_ust_field_array_network_nowrite_hex(uint16_t, network_hex_not_written, items, 3)))

LTTNG_UST_TRACEPOINT_EVENT(every, sequences, LTTNG_UST_TP_ARGS(const int32_t*, items, size_t, length),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_sequence(int32_t, plain, items, size_t, length)
    lttng_ust_field_sequence(int32_t, length_8, items, uint8_t, length)
    lttng_ust_field_sequence(int32_t, length_16, items, uint16_t, length)
    lttng_ust_field_sequence(int32_t, length_32, items, uint32_t, length)
    lttng_ust_field_sequence_nowrite(int32_t, plain_not_written, items, size_t, length)
    lttng_ust_field_sequence_hex(uint32_t, hex, items, size_t, length)
    lttng_ust_field_sequence_nowrite_hex(uint32_t, hex_not_written, items, size_t, length)
    lttng_ust_field_sequence_network(int32_t, network, items, size_t, length)
    lttng_ust_field_sequence_network_nowrite(int32_t, network_not_written, items, size_t, length)
    lttng_ust_field_sequence_network_hex(uint32_t, network_hex, items, size_t, length)
    lttng_ust_field_sequence_network_nowrite_hex(uint32_t, network_hex_not_written, items, size_t, length)))

LTTNG_UST_TRACEPOINT_ENUM(every, states,
  LTTNG_UST_TP_ENUM_VALUES(
    lttng_ust_field_enum_auto("FIRST")
    lttng_ust_field_enum_auto("SECOND")
    lttng_ust_field_enum_range("BUSY", 2, 5)
    lttng_ust_field_enum_range("LATE", 4, 9)
    lttng_ust_field_enum_value("a \"b\"", 20)
    lttng_ust_field_enum_auto("NEXT")))
LTTNG_UST_TRACEPOINT_ENUM(every, signs,
  LTTNG_UST_TP_ENUM_VALUES(
    lttng_ust_field_enum_range("NEGATIVE", -100, -1)
    lttng_ust_field_enum_value("ZERO", 0)
    lttng_ust_field_enum_range("POSITIVE", 1, 100)))
LTTNG_UST_TRACEPOINT_EVENT(every, choices, LTTNG_UST_TP_ARGS(int, n),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_enum(every, states, int, state, n)
    lttng_ust_field_enum(every, states, unsigned char, small, n)
    lttng_ust_field_enum(every, signs, int8_t, sign, n - 10)
    lttng_ust_field_enum_nowrite(every, states, int, not_written, n)))

LTTNG_UST_TRACEPOINT_EVENT(every, nothing, LTTNG_UST_TP_ARGS(), LTTNG_UST_TP_FIELDS())
LTTNG_UST_TRACEPOINT_LOGLEVEL(every, nothing, LTTNG_UST_TRACEPOINT_LOGLEVEL_EMERG)

LTTNG_UST_TRACEPOINT_EVENT(every, unused, LTTNG_UST_TP_ARGS(int, n, int, other),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_integer(int, used, n)
    lttng_ust_field_unused(other)
    lttng_ust_field_unused_nowrite(other)))

LTTNG_UST_TRACEPOINT_EVENT_CLASS(every, pair, LTTNG_UST_TP_ARGS(int, a, const char*, b),
  LTTNG_UST_TP_FIELDS(lttng_ust_field_integer(int, a, a) lttng_ust_field_string(b, b)))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(every, pair, every, pair_one, LTTNG_UST_TP_ARGS(int, a, const char*, b))
LTTNG_UST_TRACEPOINT_EVENT_INSTANCE(every, pair, every, pair_two, LTTNG_UST_TP_ARGS(int, a, const char*, b))
LTTNG_UST_TRACEPOINT_LOGLEVEL(every, pair_two, LTTNG_UST_TRACEPOINT_LOGLEVEL_DEBUG_FUNCTION)

LTTNG_UST_TRACEPOINT_EVENT(every, ten_arguments,
  LTTNG_UST_TP_ARGS(int, a, int, b, int, c, int, d, int, e, int, f, int, g, int, h, int, i, double, j),
  LTTNG_UST_TP_FIELDS(
    lttng_ust_field_integer(int, a, a) lttng_ust_field_integer(int, b, b) lttng_ust_field_integer(int, c, c)
    lttng_ust_field_integer(int, d, d) lttng_ust_field_integer(int, e, e) lttng_ust_field_integer(int, f, f)
    lttng_ust_field_integer(int, g, g) lttng_ust_field_integer(int, h, h) lttng_ust_field_integer(int, i, i)
    lttng_ust_field_float(double, j, j)))

/* clang-format on */
#endif

#include <lttng/tracepoint-event.h>
