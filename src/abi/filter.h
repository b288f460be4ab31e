/* SPDX-License-Identifier: MIT */
/*
 * Filters of events, as a collector sends them and a traced program runs them. This header is the specification.
 *
 * Who relies on it: src/apps (makes them), src/probe (checks and runs them). A program that does not understand a filter
 * records nothing of its event: more than was asked for would be as wrong as something else.
 *
 * One table per attachment (app_protocol.h): a memfd sealed against every change (SHRINK | GROW | WRITE):
 *
 *   0                struct sillage_filter_table
 *   then             site_count x uint32_t: 0 = no filter, else the offset of the site's program, a multiple of 8
 *   then             programs, each padded to 8 bytes; sites may share one
 *
 *   struct sillage_filter_program
 *   field_count x struct sillage_filter_field          by field, ascending
 *   instruction_count x 8 bytes
 *   literal_count x struct sillage_filter_literal
 *   text_bytes                                         the literals' bytes
 *
 * Instructions are those of eBPF (RFC 9669): 64-bit arithmetic and jumps, swaps to big endian, loads with and without
 * sign, and calls of the helpers below. What may stand there is less than the kernel allows, so that it can be checked in
 * one pass and needs no check when it runs:
 *
 *   registers   r0 to r5 and r8 are numbers, read only behind a write on every way; r6, r7 and r10 are bases of loads and stores and nothing else; r9 is not used
 *   loads       [r6 + N]   the prefix: the first prefix_bytes of the record's payload, as they stand in the record
 *               [r7 + N]   field_count cells of 16 bytes: u64 value, u64 presence (0 or 1); of fields of kind VALUE and APP_VALUE
 *               [r10 - N]  the stack, stack_bytes, zeroed
 *   stores      to the stack alone
 *   jumps       forward, inside the program, not into the middle of a 64-bit constant
 *   the end     every way ends with exit; r0 other than 0 = record the event
 *
 * So a program runs each of its instructions once at most, and looks at no text beyond SILLAGE_FILTER_TEXT_BYTES.
 */
#ifndef SILLAGE_ABI_FILTER_H
#define SILLAGE_ABI_FILTER_H

#include <stdint.h>

#define SILLAGE_FILTER_MAGIC UINT32_C(0x46534c53) /* "SLSF" */
#define SILLAGE_FILTER_ABI_MAJOR 1
#define SILLAGE_FILTER_ABI_MINOR 1 /* 1: application contexts */
#define SILLAGE_FILTER_MAX_TABLE_BYTES (UINT32_C(64) << 20)
/* LTTng's bound on a filter's byte code is 64 KiB, too. */
#define SILLAGE_FILTER_MAX_INSTRUCTIONS 8192
#define SILLAGE_FILTER_MAX_FIELDS \
  32 /* they lie on the stack of the event, which may be a signal handler's */
#define SILLAGE_FILTER_MAX_LITERALS 4096
#define SILLAGE_FILTER_MAX_LITERAL_BYTES 65536
#define SILLAGE_FILTER_MAX_STACK_BYTES 128
#define SILLAGE_FILTER_MAX_PREFIX_BYTES 256
/* Of a text so many bytes count, with its NUL; what is longer is taken as cut there. The longest path of Linux. */
#define SILLAGE_FILTER_TEXT_BYTES 4096

struct sillage_filter_table {
  uint32_t magic;
  uint16_t abi_major, abi_minor;
  uint32_t bytes; /* of the whole table */
  uint32_t site_count;
};

struct sillage_filter_program {
  uint32_t bytes; /* of all of it, a multiple of 8 */
  uint16_t prefix_bytes, stack_bytes;
  uint16_t field_count, literal_count;
  uint32_t instruction_count, text_bytes;
  uint32_t reserved;
};

enum sillage_filter_field_kind {
  /* `bytes` (1, 2, 4, 8) at `offset` of a field's data, as they lie there, zeroes above: elements of sequences, and what
   * stands behind a field without fixed size */
  SILLAGE_FILTER_VALUE = 1,
  /* a text field: up to a NUL */
  SILLAGE_FILTER_TEXT = 2,
  /* `bytes` bytes at `offset` of the prefix, or up to a NUL */
  SILLAGE_FILTER_PREFIX_TEXT = 3,
  /* a context that is a text: `field` is of enum sillage_context */
  SILLAGE_FILTER_CONTEXT_TEXT = 4,
  /* since minor version 1: a context that the program brings itself; the literal `offset` is its name, "$app.PROVIDER:TYPE",
   * with a NUL at its end and nowhere else. The cell's presence is of enum sillage_filter_app_type. */
  SILLAGE_FILTER_APP_VALUE = 5,
  /* since minor version 1: its text, of the field `offset`, which is an APP_VALUE in front of this one; "" if it is none */
  SILLAGE_FILTER_APP_TEXT = 6,
};

enum sillage_filter_app_type {
  SILLAGE_FILTER_APP_NONE = 0,    /* the program does not bring it */
  SILLAGE_FILTER_APP_INTEGER = 1, /* value: extended to 64 bits by its sign */
  SILLAGE_FILTER_APP_REAL = 2,    /* value: the bits of a binary64 */
  SILLAGE_FILTER_APP_STRING = 3,  /* value: 0 */
};

struct sillage_filter_field {
  uint16_t field; /* of the site's description, 0 = first; not for PREFIX_TEXT: 0 */
  uint16_t kind;
  uint32_t offset, bytes;
};

struct sillage_filter_literal {
  uint32_t offset, bytes; /* in the literals' bytes */
};

/* Arguments in r1 to r3, the result in r0. Arguments that name no field or literal, or one of the wrong kind, make it 0. */
enum sillage_filter_helper {
  /* r1, r2: fields that are texts. < 0, 0, > 0 as the first is less than, equal to, more than the second. */
  SILLAGE_FILTER_ORDER_FIELDS = 1,
  /* r1: a field that is a text, r2: a literal. The same. */
  SILLAGE_FILTER_ORDER_LITERAL = 2,
  /* r1: a field that is a text, r2: a literal, r3: how many from there on are the pieces between the stars of a pattern, 2
   * or more. 1 if the text is like it, else 0. */
  SILLAGE_FILTER_MATCH = 3,
  /* r1: of enum sillage_context, no text. Its value, sign-extended if it has a sign. */
  SILLAGE_FILTER_CONTEXT = 4,
  /* Numbers with a fraction are the bits of a binary64. r1: an integer. The number. */
  SILLAGE_FILTER_REAL_OF_INTEGER = 5,
  /* r1: the bits of a binary32. */
  SILLAGE_FILTER_REAL_OF_FLOAT = 6,
  /* r1, r2: numbers. Of comparisons 0 or 1. */
  SILLAGE_FILTER_REAL_ADD = 7,
  SILLAGE_FILTER_REAL_SUBTRACT = 8,
  SILLAGE_FILTER_REAL_MULTIPLY = 9,
  SILLAGE_FILTER_REAL_DIVIDE = 10,
  SILLAGE_FILTER_REAL_LESS = 11,
  SILLAGE_FILTER_REAL_LESS_OR_EQUAL = 12,
  SILLAGE_FILTER_REAL_GREATER = 13,
  SILLAGE_FILTER_REAL_GREATER_OR_EQUAL = 14,
  SILLAGE_FILTER_REAL_EQUAL = 15,
  SILLAGE_FILTER_REAL_NOT_EQUAL = 16,
};

#endif
