/* SPDX-License-Identifier: MIT */
/*
 * Tracepoints of Sillage, for C11 and C++17 and later. One line where something happens:
 *
 *   SILLAGE_TRACEPOINT(kv, request_done, INFO, sillage_field(key, key), sillage_hex(where, p), sillage_field(size, n));
 *
 * The event is kv:request_done, its log level INFO, its fields `key`, `where` and `size` with types deduced
 * from the values. Nothing else is to be written: no declaration, no generated file, no registration. Link with
 * libsillage.so. While nobody records the event, a tracepoint costs two loads and a branch never taken, and its
 * arguments are not evaluated. Use it in any function: signal handlers, static constructors, templates, libraries that
 * are unloaded. docs/guide/instrument.md shows every kind of field.
 */
#ifndef SILLAGE_TRACEPOINT_H
#define SILLAGE_TRACEPOINT_H

#include <sillage/detail/words.h>

#ifdef __cplusplus
#include <sillage/detail/fields_cpp.hpp>
#else
#include <sillage/detail/fields_c.h>
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "sillage: only little-endian machines are supported"
#endif

/*
 * SILLAGE_TRACEPOINT(provider, event, LEVEL, fields...): records an event if somebody wants it.
 *
 *   provider, event   names, not quoted, together at most 254 characters
 *   LEVEL             EMERG ALERT CRIT ERR WARNING NOTICE INFO DEBUG_SYSTEM DEBUG_PROGRAM DEBUG_PROCESS DEBUG_MODULE
 *                     DEBUG_UNIT DEBUG_FUNCTION DEBUG_LINE DEBUG
 *   fields            0 to 32 of:
 *     sillage_field(name, value)           bool, integer, enumeration, float, double, pointer, string (const char *,
 *                                          std::string, std::string_view), array (char[]: text), std::array,
 *                                          std::span, std::vector: as the value's type says
 *     sillage_hex, _oct, _bin (name, value)  integers, or arrays of them, to be shown in that base
 *     sillage_network(name, value)         integers that lie in memory in network order; sillage_network_hex
 *     sillage_enum(name, value, labels)    an integer with an array of labels: SILLAGE_LABEL, SILLAGE_LABEL_RANGE
 *     sillage_string(name, value)          up to the NUL, also from an array
 *     sillage_sequence(name, pointer, count)  also _hex, _oct, _bin, _network, _network_hex
 *     sillage_text(name, pointer, bytes)   text of known length
 *     sillage_blob(name, object, media_type), sillage_blob_sequence(name, pointer, bytes, media_type)
 *     sillage_nowrite(field)               any of these: for filters, not recorded
 *
 * Threads: any; async-signal-safe as far as the arguments are. errno is left alone.
 */
#define SILLAGE_TRACEPOINT(provider, event, ...) \
  SILLAGE_I_TRACEPOINT(#provider, #event, SILLAGE_I_PLAIN_##__VA_ARGS__)
#define sillage_tracepoint SILLAGE_TRACEPOINT

/* SILLAGE_TRACEPOINT_EMF(provider, event, LEVEL, "uri", fields...): the same, with the URI of its model in the Eclipse
 * Modeling Framework. */
#define SILLAGE_TRACEPOINT_EMF(provider, event, ...) \
  SILLAGE_I_TRACEPOINT(#provider, #event, SILLAGE_I_LEVEL_##__VA_ARGS__)

/*
 * sillage_tracepoint_enabled(provider, event, LEVEL): whether somebody wants this event, for work that only
 * its arguments need. The same three words as the tracepoint's; costs what a disabled tracepoint does. Arguments
 * themselves need no such test.
 */
#define sillage_tracepoint_enabled(provider, event, ...) \
  SILLAGE_I_ENABLED(#provider, #event, SILLAGE_I_PLAIN_##__VA_ARGS__)

/* One label of an enumeration, and one for all values from `begin` to `end`. */
#define SILLAGE_LABEL(value, text) SILLAGE_LABEL_RANGE(value, value, text)
#define SILLAGE_LABEL_RANGE(begin, end, text) \
  { (int64_t)(begin), (int64_t)(end), text }

/* Keeps the call before it from becoming a jump, which would make the ip context the caller's caller. */
#define SILLAGE_I_RETURN_HERE __asm__ __volatile__("");

#define SILLAGE_I_TRACEPOINT(...) SILLAGE_I_TRACEPOINT_(__VA_ARGS__)
#define SILLAGE_I_TRACEPOINT_(provider, event, level, ...)                                         \
  do {                                                                                             \
    SILLAGE_I_CHECK_NAME(provider, event)                                                          \
    SILLAGE_I_SITE(provider, event, level, __VA_ARGS__)                                            \
    SILLAGE_I_IF_OPEN(SILLAGE_I_THIS_SITE) { SILLAGE_I_RECORD(__VA_ARGS__) SILLAGE_I_RETURN_HERE } \
  } while (0)

#define SILLAGE_I_ENABLED(...) SILLAGE_I_ENABLED_(__VA_ARGS__)
#define SILLAGE_I_ENABLED_(provider, event, level, ...) \
  (__extension__({                                      \
    SILLAGE_I_CHECK_NAME(provider, event)               \
    SILLAGE_I_SITE(provider, event, level, __VA_ARGS__) \
    int sillage_i_result = 0;                           \
    SILLAGE_I_IF_OPEN(SILLAGE_I_THIS_SITE) {            \
      SILLAGE_I_ENTER(SILLAGE_I_THIS_SITE)              \
      sillage_i_result = 1;                             \
    }                                                   \
    sillage_i_result != 0;                              \
  }))

/* 255 as LTTng's limit, the colon between them included. */
#ifdef __cplusplus
#define SILLAGE_I_STATIC_ASSERT static_assert
#else
#define SILLAGE_I_STATIC_ASSERT _Static_assert
#endif
#define SILLAGE_I_CHECK_NAME(provider, event)                                         \
  SILLAGE_I_STATIC_ASSERT(                                                            \
      sizeof(provider) > 1 && sizeof(event) > 1 && sizeof(provider ":" event) <= 256, \
      "sillage: " provider ":" event ": a name is empty, or both are too long");

#include <sillage/detail/tracef.h>

#endif
