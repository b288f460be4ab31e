/* SPDX-License-Identifier: MIT */
/* The same kinds of events by the names of LTTng-UST's first generation of macros. */
#undef TRACEPOINT_PROVIDER
#define TRACEPOINT_PROVIDER old_names

#undef TRACEPOINT_INCLUDE
#define TRACEPOINT_INCLUDE "old_names.h"

#if !defined(SILLAGE_TEST_OLD_NAMES_H) || defined(TRACEPOINT_HEADER_MULTI_READ)
#define SILLAGE_TEST_OLD_NAMES_H

#include <lttng/tracepoint.h>

#include <stdint.h>

/* clang-format off */

TRACEPOINT_ENUM(old_names, states, TP_ENUM_VALUES(ctf_enum_value("ZERO", 0) ctf_enum_range("MORE", 1, 100)))

TRACEPOINT_EVENT(old_names, mixed, TP_ARGS(int, n, const char*, text, const int*, items, size_t, length),
  TP_FIELDS(
    ctf_integer(int, number, n)
    ctf_integer_hex(int, hex, n)
    ctf_integer_network(uint16_t, network, (uint16_t)n)
    ctf_integer_network_hex(uint16_t, network_hex, (uint16_t)n)
    ctf_integer_nowrite(int, not_written, n)
    ctf_float(double, real, n / 8.0)
    ctf_string(text, text)
    ctf_array(int, two, items, 2)
    ctf_array_text(char, letters, text, 3)
    ctf_sequence(int, some, items, size_t, length)
    ctf_sequence_hex(int, some_hex, items, unsigned char, length)
    ctf_sequence_text(char, part, text, size_t, length)
    ctf_enum(old_names, states, int, state, n)
    ctf_unused(n)))
TRACEPOINT_LOGLEVEL(old_names, mixed, TRACE_INFO)

TRACEPOINT_EVENT_CLASS(old_names, one, TP_ARGS(long, n), TP_FIELDS(ctf_integer(long, n, n)))
TRACEPOINT_EVENT_INSTANCE(old_names, one, first, TP_ARGS(long, n))
TRACEPOINT_EVENT_INSTANCE(old_names, one, second, TP_ARGS(long, n))
TRACEPOINT_MODEL_EMF_URI(old_names, second, "http://example.com/second")

/* clang-format on */
#endif

#include <lttng/tracepoint-event.h>
