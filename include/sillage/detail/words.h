/* SPDX-License-Identifier: MIT */
/* The words a tracepoint is written in: log levels and fields. A field such as sillage_hex(address, p) is no macro:
 * tracepoint.h pastes a prefix to its first token, so that one list can be read in several ways. */
#ifndef SILLAGE_DETAIL_WORDS_H
#define SILLAGE_DETAIL_WORDS_H

#include <sillage/detail/each.h>

/* LTTng's fifteen log levels. Pasted, never expanded: a program may have a macro DEBUG or INFO of its own. */
#define SILLAGE_I_LEVEL_EMERG 0
#define SILLAGE_I_LEVEL_ALERT 1
#define SILLAGE_I_LEVEL_CRIT 2
#define SILLAGE_I_LEVEL_ERR 3
#define SILLAGE_I_LEVEL_WARNING 4
#define SILLAGE_I_LEVEL_NOTICE 5
#define SILLAGE_I_LEVEL_INFO 6
#define SILLAGE_I_LEVEL_DEBUG_SYSTEM 7
#define SILLAGE_I_LEVEL_DEBUG_PROGRAM 8
#define SILLAGE_I_LEVEL_DEBUG_PROCESS 9
#define SILLAGE_I_LEVEL_DEBUG_MODULE 10
#define SILLAGE_I_LEVEL_DEBUG_UNIT 11
#define SILLAGE_I_LEVEL_DEBUG_FUNCTION 12
#define SILLAGE_I_LEVEL_DEBUG_LINE 13
#define SILLAGE_I_LEVEL_DEBUG 14

/* The same, followed by "no EMF URI". */
#define SILLAGE_I_PLAIN_EMERG 0, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_ALERT 1, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_CRIT 2, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_ERR 3, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_WARNING 4, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_NOTICE 5, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_INFO 6, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG_SYSTEM 7, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG_PROGRAM 8, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG_PROCESS 9, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG_MODULE 10, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG_UNIT 11, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG_FUNCTION 12, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG_LINE 13, SILLAGE_I_NULL
#define SILLAGE_I_PLAIN_DEBUG 14, SILLAGE_I_NULL

/* The same, as events of sillage_tracelog(). */
#define SILLAGE_I_LOG_EMERG "TRACE_EMERG", 0
#define SILLAGE_I_LOG_ALERT "TRACE_ALERT", 1
#define SILLAGE_I_LOG_CRIT "TRACE_CRIT", 2
#define SILLAGE_I_LOG_ERR "TRACE_ERR", 3
#define SILLAGE_I_LOG_WARNING "TRACE_WARNING", 4
#define SILLAGE_I_LOG_NOTICE "TRACE_NOTICE", 5
#define SILLAGE_I_LOG_INFO "TRACE_INFO", 6
#define SILLAGE_I_LOG_DEBUG_SYSTEM "TRACE_DEBUG_SYSTEM", 7
#define SILLAGE_I_LOG_DEBUG_PROGRAM "TRACE_DEBUG_PROGRAM", 8
#define SILLAGE_I_LOG_DEBUG_PROCESS "TRACE_DEBUG_PROCESS", 9
#define SILLAGE_I_LOG_DEBUG_MODULE "TRACE_DEBUG_MODULE", 10
#define SILLAGE_I_LOG_DEBUG_UNIT "TRACE_DEBUG_UNIT", 11
#define SILLAGE_I_LOG_DEBUG_FUNCTION "TRACE_DEBUG_FUNCTION", 12
#define SILLAGE_I_LOG_DEBUG_LINE "TRACE_DEBUG_LINE", 13
#define SILLAGE_I_LOG_DEBUG "TRACE_DEBUG", 14

#define SILLAGE_I_FIRST(x, ...) x

/* The name of a field, as a token and as text. */
#define SILLAGE_I_TOKEN_sillage_field(name, ...) name
#define SILLAGE_I_NAME_sillage_field(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_hex(name, ...) name
#define SILLAGE_I_NAME_sillage_hex(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_oct(name, ...) name
#define SILLAGE_I_NAME_sillage_oct(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_bin(name, ...) name
#define SILLAGE_I_NAME_sillage_bin(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_network(name, ...) name
#define SILLAGE_I_NAME_sillage_network(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_network_hex(name, ...) name
#define SILLAGE_I_NAME_sillage_network_hex(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_enum(name, ...) name
#define SILLAGE_I_NAME_sillage_enum(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_string(name, ...) name
#define SILLAGE_I_NAME_sillage_string(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_sequence(name, ...) name
#define SILLAGE_I_NAME_sillage_sequence(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_sequence_hex(name, ...) name
#define SILLAGE_I_NAME_sillage_sequence_hex(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_sequence_oct(name, ...) name
#define SILLAGE_I_NAME_sillage_sequence_oct(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_sequence_bin(name, ...) name
#define SILLAGE_I_NAME_sillage_sequence_bin(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_sequence_network(name, ...) name
#define SILLAGE_I_NAME_sillage_sequence_network(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_sequence_network_hex(name, ...) name
#define SILLAGE_I_NAME_sillage_sequence_network_hex(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_text(name, ...) name
#define SILLAGE_I_NAME_sillage_text(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_blob(name, ...) name
#define SILLAGE_I_NAME_sillage_blob(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_blob_sequence(name, ...) name
#define SILLAGE_I_NAME_sillage_blob_sequence(name, ...) #name
#define SILLAGE_I_TOKEN_sillage_nowrite(f) SILLAGE_I_TOKEN_##f
#define SILLAGE_I_NAME_sillage_nowrite(f) SILLAGE_I_NAME_##f

/* Two fields of one name are two members of one name: the compiler says which. */
#define SILLAGE_I_MEMBER(f) char SILLAGE_I_JOIN(sillage_field_, SILLAGE_I_TOKEN_##f);

/* The arguments of a tracepoint stand in unevaluated operands too, where i++ means nothing; that is intended. */
/* clang-format off */
#ifdef __clang__
#define SILLAGE_I_QUIET_BEGIN \
  _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wunevaluated-expression\"")
#define SILLAGE_I_QUIET_END _Pragma("clang diagnostic pop")
#else
#define SILLAGE_I_QUIET_BEGIN
#define SILLAGE_I_QUIET_END
#endif
/* clang-format on */

#endif
