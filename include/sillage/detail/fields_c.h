/* SPDX-License-Identifier: MIT */
/*
 * C11: what a field is, deduced from the type of its value by _Generic, and the site of a tracepoint.
 *
 * Each sillage_* word of a tracepoint has four readings, found by pasting a prefix to it:
 *   CHECK    an assertion that names the field if its value cannot be recorded
 *   LIST     the members of its struct sillage_field
 *   BYTES    its bytes in the record, if they are known; else SILLAGE_I_UNKNOWN_BYTES
 *   DECLARE  evaluates the value, once, and declares a struct sillage_i_item that says where it lies
 */
#ifndef SILLAGE_DETAIL_FIELDS_C_H
#define SILLAGE_DETAIL_FIELDS_C_H

#include <sillage/detail/record.h>

#include <stddef.h>
#include <stdint.h>

#define SILLAGE_I_NULL NULL
#define SILLAGE_I_UNKNOWN_BYTES ((uint64_t)1 << 32)

/* ---- Types ---------------------------------------------------------------------------------------------------- */

/* The value as it would be passed to a function: arrays are pointers, nothing is const. */
#define SILLAGE_I_DECAYED(v) ((void)0, (v))
#define SILLAGE_I_IS_ARRAY(v) \
  (!__builtin_types_compatible_p(__typeof__(v), __typeof__(SILLAGE_I_DECAYED(v))))

/* kind, size, flags and base of struct sillage_field in one constant. 0: cannot be recorded. */
#define SILLAGE_I_CODE(kind, size, flags, base) \
  ((uint32_t)(kind) | (uint32_t)(size) << 8 | (uint32_t)(flags) << 16 | (uint32_t)(base) << 24)
#define SILLAGE_I_KIND(code) ((code)&255u)
#define SILLAGE_I_SIZE(code) ((code) >> 8 & 255u)
#define SILLAGE_I_FLAGS(code) ((code) >> 16 & 255u)
#define SILLAGE_I_BASE(code) ((code) >> 24)

#define SILLAGE_I_INTEGER_CODE(type) \
  SILLAGE_I_CODE(SILLAGE_I_INTEGER, sizeof(type), (type)-1 < (type)1 ? SILLAGE_I_SIGNED : 0, 10)
#define SILLAGE_I_FLOAT_CODE(type) SILLAGE_I_CODE(SILLAGE_I_FLOAT, sizeof(type), 0, 10)
#define SILLAGE_I_BOOL_CODE SILLAGE_I_CODE(SILLAGE_I_BOOL, 1, 0, 10)
#define SILLAGE_I_STRING_CODE SILLAGE_I_CODE(SILLAGE_I_STRING, 1, 0, 10)
#define SILLAGE_I_TEXT_CODE SILLAGE_I_CODE(SILLAGE_I_TEXT_ARRAY, 1, 0, 10)
#define SILLAGE_I_POINTER_CODE SILLAGE_I_CODE(SILLAGE_I_INTEGER, sizeof(void*), 0, 16)

/* 1 is the class of integers, 5 that of pointers, in gcc's typeclass.h as in clang. */
#define SILLAGE_I_IS_INTEGER(v) (__builtin_classify_type(SILLAGE_I_DECAYED(v)) == 1)
#define SILLAGE_I_IS_POINTER(v) (__builtin_classify_type(SILLAGE_I_DECAYED(v)) == 5)

#define SILLAGE_I_VALUE_CODE(v) \
  _Generic(SILLAGE_I_DECAYED(v),                                       \
      _Bool: SILLAGE_I_BOOL_CODE,                                      \
      char: SILLAGE_I_INTEGER_CODE(char),                              \
      signed char: SILLAGE_I_INTEGER_CODE(signed char),                \
      unsigned char: SILLAGE_I_INTEGER_CODE(unsigned char),            \
      short: SILLAGE_I_INTEGER_CODE(short),                            \
      unsigned short: SILLAGE_I_INTEGER_CODE(unsigned short),          \
      int: SILLAGE_I_INTEGER_CODE(int),                                \
      unsigned int: SILLAGE_I_INTEGER_CODE(unsigned int),              \
      long: SILLAGE_I_INTEGER_CODE(long),                              \
      unsigned long: SILLAGE_I_INTEGER_CODE(unsigned long),            \
      long long: SILLAGE_I_INTEGER_CODE(long long),                    \
      unsigned long long: SILLAGE_I_INTEGER_CODE(unsigned long long),  \
      float: SILLAGE_I_FLOAT_CODE(float),                              \
      double: SILLAGE_I_FLOAT_CODE(double),                            \
      char *: SILLAGE_I_STRING_CODE,                                   \
      const char *: SILLAGE_I_STRING_CODE,                             \
      default: SILLAGE_I_IS_POINTER(v) ? SILLAGE_I_POINTER_CODE : 0)

#define SILLAGE_I_POINTS_TO(type, code) type* : code, type const* : code
#define SILLAGE_I_POINTS_TO_INTEGER(type) SILLAGE_I_POINTS_TO(type, SILLAGE_I_INTEGER_CODE(type))
/* Of what a pointer or array points to. */
#define SILLAGE_I_ELEMENT_CODE(p)                                                                \
  _Generic(SILLAGE_I_DECAYED(p), SILLAGE_I_POINTS_TO(_Bool, SILLAGE_I_BOOL_CODE),                \
           SILLAGE_I_POINTS_TO(char, SILLAGE_I_TEXT_CODE),                                       \
           SILLAGE_I_POINTS_TO_INTEGER(signed char), SILLAGE_I_POINTS_TO_INTEGER(unsigned char), \
           SILLAGE_I_POINTS_TO_INTEGER(short), SILLAGE_I_POINTS_TO_INTEGER(unsigned short),      \
           SILLAGE_I_POINTS_TO_INTEGER(int), SILLAGE_I_POINTS_TO_INTEGER(unsigned int),          \
           SILLAGE_I_POINTS_TO_INTEGER(long), SILLAGE_I_POINTS_TO_INTEGER(unsigned long),        \
           SILLAGE_I_POINTS_TO_INTEGER(long long),                                               \
           SILLAGE_I_POINTS_TO_INTEGER(unsigned long long),                                      \
           SILLAGE_I_POINTS_TO(float, SILLAGE_I_FLOAT_CODE(float)),                              \
           SILLAGE_I_POINTS_TO(double, SILLAGE_I_FLOAT_CODE(double)),                            \
           SILLAGE_I_POINTS_TO(void*, SILLAGE_I_POINTER_CODE),                                   \
           SILLAGE_I_POINTS_TO(const void*, SILLAGE_I_POINTER_CODE), default : 0u)

#define SILLAGE_I_IS_TEXT(code) (SILLAGE_I_KIND(code) == SILLAGE_I_TEXT_ARRAY)
#define SILLAGE_I_IS_NUMBER(code) (SILLAGE_I_KIND(code) == SILLAGE_I_INTEGER)
/* Never 0, to be divided by. */
#define SILLAGE_I_ELEMENT_BYTES(p) \
  (SILLAGE_I_SIZE(SILLAGE_I_ELEMENT_CODE(p)) + (SILLAGE_I_ELEMENT_CODE(p) == 0))

/* The code of the value itself or, of an array, of its elements. */
#define SILLAGE_I_ANY_CODE(v) \
  (SILLAGE_I_IS_ARRAY(v) ? SILLAGE_I_ELEMENT_CODE(v) : SILLAGE_I_VALUE_CODE(v))
#define SILLAGE_I_ANY_KIND(v)                                                               \
  (!SILLAGE_I_IS_ARRAY(v)                         ? SILLAGE_I_KIND(SILLAGE_I_VALUE_CODE(v)) \
   : SILLAGE_I_IS_TEXT(SILLAGE_I_ELEMENT_CODE(v)) ? SILLAGE_I_TEXT_ARRAY                    \
                                                  : SILLAGE_I_ARRAY)
#define SILLAGE_I_ELEMENT_FLAGS(p)              \
  (SILLAGE_I_FLAGS(SILLAGE_I_ELEMENT_CODE(p)) | \
   (SILLAGE_I_KIND(SILLAGE_I_ELEMENT_CODE(p)) == SILLAGE_I_FLOAT ? SILLAGE_I_FLOAT_ELEMENTS : 0))
#define SILLAGE_I_ANY_FLAGS(v) \
  (SILLAGE_I_IS_ARRAY(v) ? SILLAGE_I_ELEMENT_FLAGS(v) : SILLAGE_I_FLAGS(SILLAGE_I_VALUE_CODE(v)))
#define SILLAGE_I_ANY_COUNT(v) (SILLAGE_I_IS_ARRAY(v) ? sizeof(v) / SILLAGE_I_ELEMENT_BYTES(v) : 0)
#define SILLAGE_I_IS_STRING(v) \
  (!SILLAGE_I_IS_ARRAY(v) && SILLAGE_I_KIND(SILLAGE_I_VALUE_CODE(v)) == SILLAGE_I_STRING)

/* ---- Items ---------------------------------------------------------------------------------------------------- */

/* The pointer that `variable` holds. */
SILLAGE_I_INLINE const void* sillage_i_pointer_in(const void* variable) {
  const void* pointer;
  __builtin_memcpy(&pointer, variable, sizeof pointer);
  return pointer;
}
SILLAGE_I_INLINE struct sillage_i_item sillage_i_deduced_item(const void* variable, uint64_t bytes,
                                                              int is_array, int is_string) {
  if (is_string)
    return sillage_i_item_of(sillage_i_pointer_in(variable), UINT32_MAX, 0, SILLAGE_I_FORM_STRING);
  return sillage_i_item_of(is_array ? sillage_i_pointer_in(variable) : variable, (uint32_t)bytes, 0,
                           SILLAGE_I_FORM_FIXED);
}
SILLAGE_I_INLINE struct sillage_i_item sillage_i_text_item(const void* text, uint64_t bytes,
                                                           int is_array) {
  if (is_array) return sillage_i_item_of(text, (uint32_t)bytes, 0, SILLAGE_I_FORM_TEXT);
  return sillage_i_item_of(text, UINT32_MAX, 0, SILLAGE_I_FORM_STRING);
}
/* Negative lengths are none. */
SILLAGE_I_INLINE uint64_t sillage_i_length(int64_t length) {
  return length < 0 ? 0 : (uint64_t)length;
}

/* ---- What each word is ---------------------------------------------------------------------------------------- */

#define SILLAGE_I_ASSERT(name, condition) \
  _Static_assert(condition,               \
                 "sillage: field " #name ": a value of this type cannot be recorded this way");
#define SILLAGE_I_LIST(name, media_type, labels, label_count, count, kind, size, flags, base)  \
#name, media_type, labels, label_count, (uint32_t)(count), (uint8_t)(kind), (uint8_t)(size), \
      (uint8_t)(flags), (uint8_t)(base)

/* A value: `shown` is a base or 0 for the type's own, `more` flags to add. */
#define SILLAGE_I_CHECK_DEDUCED(name, v, shown, more)                        \
  SILLAGE_I_ASSERT(                                                          \
      name, __builtin_constant_p(sizeof(v)) && SILLAGE_I_ANY_CODE(v) != 0 && \
                (((shown) == 0 && (more) == 0) || SILLAGE_I_IS_NUMBER(SILLAGE_I_ANY_CODE(v))))
#define SILLAGE_I_LIST_DEDUCED(name, v, shown, more)                                     \
  SILLAGE_I_LIST(name, NULL, NULL, 0, SILLAGE_I_ANY_COUNT(v), SILLAGE_I_ANY_KIND(v),     \
                 SILLAGE_I_SIZE(SILLAGE_I_ANY_CODE(v)), SILLAGE_I_ANY_FLAGS(v) | (more), \
                 (shown) != 0 ? (shown) : SILLAGE_I_BASE(SILLAGE_I_ANY_CODE(v)))
#define SILLAGE_I_BYTES_DEDUCED(v) \
  (SILLAGE_I_IS_STRING(v) ? SILLAGE_I_UNKNOWN_BYTES : (uint64_t)sizeof(v))
#define SILLAGE_I_DECLARE_DEDUCED(name, v)                            \
  __typeof__(SILLAGE_I_DECAYED(v)) sillage_value_##name = (v);        \
  struct sillage_i_item sillage_item_##name = sillage_i_deduced_item( \
      &sillage_value_##name, sizeof(v), SILLAGE_I_IS_ARRAY(v), SILLAGE_I_IS_STRING(v));

/* A pointer and a number of elements. */
#define SILLAGE_I_CHECK_SEQUENCE(name, p, n, shown, more)                \
  SILLAGE_I_ASSERT(                                                      \
      name, SILLAGE_I_ELEMENT_CODE(p) != 0 && SILLAGE_I_IS_INTEGER(n) && \
                (((shown) == 0 && (more) == 0) || SILLAGE_I_IS_NUMBER(SILLAGE_I_ELEMENT_CODE(p))))
#define SILLAGE_I_LIST_SEQUENCE(name, p, shown, more)                                              \
  SILLAGE_I_LIST(                                                                                  \
      name, NULL, NULL, 0, 0,                                                                      \
      SILLAGE_I_IS_TEXT(SILLAGE_I_ELEMENT_CODE(p)) ? SILLAGE_I_TEXT_SEQUENCE : SILLAGE_I_SEQUENCE, \
      SILLAGE_I_ELEMENT_BYTES(p), SILLAGE_I_ELEMENT_FLAGS(p) | (more),                             \
      (shown) != 0 ? (shown) : SILLAGE_I_BASE(SILLAGE_I_ELEMENT_CODE(p)))
#define SILLAGE_I_DECLARE_SEQUENCE(name, p, n, size)           \
  __typeof__(SILLAGE_I_DECAYED(p)) sillage_value_##name = (p); \
  struct sillage_i_item sillage_item_##name =                  \
      sillage_i_sequence_of(sillage_value_##name, sillage_i_length((int64_t)(n)), size);

#define SILLAGE_I_CHECK_sillage_field(name, v) SILLAGE_I_CHECK_DEDUCED(name, v, 0, 0)
#define SILLAGE_I_LIST_sillage_field(name, v) SILLAGE_I_LIST_DEDUCED(name, v, 0, 0)
#define SILLAGE_I_BYTES_sillage_field(name, v) SILLAGE_I_BYTES_DEDUCED(v)
#define SILLAGE_I_DECLARE_sillage_field(name, v) SILLAGE_I_DECLARE_DEDUCED(name, v)

#define SILLAGE_I_CHECK_sillage_hex(name, v) SILLAGE_I_CHECK_DEDUCED(name, v, 16, 0)
#define SILLAGE_I_LIST_sillage_hex(name, v) SILLAGE_I_LIST_DEDUCED(name, v, 16, 0)
#define SILLAGE_I_BYTES_sillage_hex(name, v) SILLAGE_I_BYTES_DEDUCED(v)
#define SILLAGE_I_DECLARE_sillage_hex(name, v) SILLAGE_I_DECLARE_DEDUCED(name, v)

#define SILLAGE_I_CHECK_sillage_oct(name, v) SILLAGE_I_CHECK_DEDUCED(name, v, 8, 0)
#define SILLAGE_I_LIST_sillage_oct(name, v) SILLAGE_I_LIST_DEDUCED(name, v, 8, 0)
#define SILLAGE_I_BYTES_sillage_oct(name, v) SILLAGE_I_BYTES_DEDUCED(v)
#define SILLAGE_I_DECLARE_sillage_oct(name, v) SILLAGE_I_DECLARE_DEDUCED(name, v)

#define SILLAGE_I_CHECK_sillage_bin(name, v) SILLAGE_I_CHECK_DEDUCED(name, v, 2, 0)
#define SILLAGE_I_LIST_sillage_bin(name, v) SILLAGE_I_LIST_DEDUCED(name, v, 2, 0)
#define SILLAGE_I_BYTES_sillage_bin(name, v) SILLAGE_I_BYTES_DEDUCED(v)
#define SILLAGE_I_DECLARE_sillage_bin(name, v) SILLAGE_I_DECLARE_DEDUCED(name, v)

#define SILLAGE_I_CHECK_sillage_network(name, v) \
  SILLAGE_I_CHECK_DEDUCED(name, v, 10, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_LIST_sillage_network(name, v) \
  SILLAGE_I_LIST_DEDUCED(name, v, 10, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_BYTES_sillage_network(name, v) SILLAGE_I_BYTES_DEDUCED(v)
#define SILLAGE_I_DECLARE_sillage_network(name, v) SILLAGE_I_DECLARE_DEDUCED(name, v)

#define SILLAGE_I_CHECK_sillage_network_hex(name, v) \
  SILLAGE_I_CHECK_DEDUCED(name, v, 16, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_LIST_sillage_network_hex(name, v) \
  SILLAGE_I_LIST_DEDUCED(name, v, 16, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_BYTES_sillage_network_hex(name, v) SILLAGE_I_BYTES_DEDUCED(v)
#define SILLAGE_I_DECLARE_sillage_network_hex(name, v) SILLAGE_I_DECLARE_DEDUCED(name, v)

#define SILLAGE_I_CHECK_sillage_sequence(name, p, n) SILLAGE_I_CHECK_SEQUENCE(name, p, n, 0, 0)
#define SILLAGE_I_LIST_sillage_sequence(name, p, n) SILLAGE_I_LIST_SEQUENCE(name, p, 0, 0)
#define SILLAGE_I_BYTES_sillage_sequence(name, p, n) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_sequence(name, p, n) \
  SILLAGE_I_DECLARE_SEQUENCE(name, p, n, SILLAGE_I_ELEMENT_BYTES(p))

#define SILLAGE_I_CHECK_sillage_sequence_hex(name, p, n) SILLAGE_I_CHECK_SEQUENCE(name, p, n, 16, 0)
#define SILLAGE_I_LIST_sillage_sequence_hex(name, p, n) SILLAGE_I_LIST_SEQUENCE(name, p, 16, 0)
#define SILLAGE_I_BYTES_sillage_sequence_hex(name, p, n) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_sequence_hex(name, p, n) \
  SILLAGE_I_DECLARE_SEQUENCE(name, p, n, SILLAGE_I_ELEMENT_BYTES(p))

#define SILLAGE_I_CHECK_sillage_sequence_oct(name, p, n) SILLAGE_I_CHECK_SEQUENCE(name, p, n, 8, 0)
#define SILLAGE_I_LIST_sillage_sequence_oct(name, p, n) SILLAGE_I_LIST_SEQUENCE(name, p, 8, 0)
#define SILLAGE_I_BYTES_sillage_sequence_oct(name, p, n) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_sequence_oct(name, p, n) \
  SILLAGE_I_DECLARE_SEQUENCE(name, p, n, SILLAGE_I_ELEMENT_BYTES(p))

#define SILLAGE_I_CHECK_sillage_sequence_bin(name, p, n) SILLAGE_I_CHECK_SEQUENCE(name, p, n, 2, 0)
#define SILLAGE_I_LIST_sillage_sequence_bin(name, p, n) SILLAGE_I_LIST_SEQUENCE(name, p, 2, 0)
#define SILLAGE_I_BYTES_sillage_sequence_bin(name, p, n) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_sequence_bin(name, p, n) \
  SILLAGE_I_DECLARE_SEQUENCE(name, p, n, SILLAGE_I_ELEMENT_BYTES(p))

#define SILLAGE_I_CHECK_sillage_sequence_network(name, p, n) \
  SILLAGE_I_CHECK_SEQUENCE(name, p, n, 10, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_LIST_sillage_sequence_network(name, p, n) \
  SILLAGE_I_LIST_SEQUENCE(name, p, 10, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_BYTES_sillage_sequence_network(name, p, n) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_sequence_network(name, p, n) \
  SILLAGE_I_DECLARE_SEQUENCE(name, p, n, SILLAGE_I_ELEMENT_BYTES(p))

#define SILLAGE_I_CHECK_sillage_sequence_network_hex(name, p, n) \
  SILLAGE_I_CHECK_SEQUENCE(name, p, n, 16, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_LIST_sillage_sequence_network_hex(name, p, n) \
  SILLAGE_I_LIST_SEQUENCE(name, p, 16, SILLAGE_I_BIG_ENDIAN)
#define SILLAGE_I_BYTES_sillage_sequence_network_hex(name, p, n) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_sequence_network_hex(name, p, n) \
  SILLAGE_I_DECLARE_SEQUENCE(name, p, n, SILLAGE_I_ELEMENT_BYTES(p))

#define SILLAGE_I_CHECK_sillage_enum(name, v, labels)                                              \
  SILLAGE_I_ASSERT(name, !SILLAGE_I_IS_ARRAY(v) && SILLAGE_I_IS_NUMBER(SILLAGE_I_VALUE_CODE(v)) && \
                             !SILLAGE_I_IS_POINTER(v))
#define SILLAGE_I_LIST_sillage_enum(name, v, labels)                                      \
  SILLAGE_I_LIST(name, NULL, labels, (uint32_t)(sizeof(labels) / sizeof((labels)[0])), 0, \
                 SILLAGE_I_ENUM, SILLAGE_I_SIZE(SILLAGE_I_VALUE_CODE(v)),                 \
                 SILLAGE_I_FLAGS(SILLAGE_I_VALUE_CODE(v)), 10)
#define SILLAGE_I_BYTES_sillage_enum(name, v, labels) SILLAGE_I_BYTES_DEDUCED(v)
#define SILLAGE_I_DECLARE_sillage_enum(name, v, labels) SILLAGE_I_DECLARE_DEDUCED(name, v)

#define SILLAGE_I_CHECK_sillage_string(name, v) \
  SILLAGE_I_ASSERT(name, SILLAGE_I_KIND(SILLAGE_I_VALUE_CODE(v)) == SILLAGE_I_STRING)
#define SILLAGE_I_LIST_sillage_string(name, v) \
  SILLAGE_I_LIST(name, NULL, NULL, 0, 0, SILLAGE_I_STRING, 1, 0, 10)
#define SILLAGE_I_BYTES_sillage_string(name, v) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_string(name, v)              \
  __typeof__(SILLAGE_I_DECAYED(v)) sillage_value_##name = (v); \
  struct sillage_i_item sillage_item_##name =                  \
      sillage_i_text_item(sillage_value_##name, sizeof(v), SILLAGE_I_IS_ARRAY(v));

#define SILLAGE_I_CHECK_sillage_text(name, p, n) \
  SILLAGE_I_ASSERT(name, SILLAGE_I_IS_POINTER(p) && SILLAGE_I_IS_INTEGER(n))
#define SILLAGE_I_LIST_sillage_text(name, p, n) \
  SILLAGE_I_LIST(name, NULL, NULL, 0, 0, SILLAGE_I_TEXT_SEQUENCE, 1, 0, 10)
#define SILLAGE_I_BYTES_sillage_text(name, p, n) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_text(name, p, n) SILLAGE_I_DECLARE_SEQUENCE(name, p, n, 1)

#define SILLAGE_I_CHECK_sillage_blob(name, object, type)         \
  SILLAGE_I_ASSERT(name, __builtin_constant_p(sizeof(object)) && \
                             (SILLAGE_I_IS_ARRAY(object) || !SILLAGE_I_IS_POINTER(object)))
#define SILLAGE_I_LIST_sillage_blob(name, object, type) \
  SILLAGE_I_LIST(name, type, NULL, 0, sizeof(object), SILLAGE_I_BLOB, 1, 0, 16)
#define SILLAGE_I_BYTES_sillage_blob(name, object, type) ((uint64_t)sizeof(object))
#define SILLAGE_I_DECLARE_sillage_blob(name, object, type) \
  struct sillage_i_item sillage_item_##name =              \
      sillage_i_item_of(&(object), (uint32_t)sizeof(object), 0, SILLAGE_I_FORM_FIXED);

#define SILLAGE_I_CHECK_sillage_blob_sequence(name, p, n, type) \
  SILLAGE_I_ASSERT(name, SILLAGE_I_IS_POINTER(p) && SILLAGE_I_IS_INTEGER(n))
#define SILLAGE_I_LIST_sillage_blob_sequence(name, p, n, type) \
  SILLAGE_I_LIST(name, type, NULL, 0, 0, SILLAGE_I_BLOB_SEQUENCE, 1, 0, 16)
#define SILLAGE_I_BYTES_sillage_blob_sequence(name, p, n, type) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_blob_sequence(name, p, n, type) \
  SILLAGE_I_DECLARE_SEQUENCE(name, p, n, 1)

#define SILLAGE_I_CHECK_sillage_nowrite(f) SILLAGE_I_CHECK_##f
#define SILLAGE_I_LIST_sillage_nowrite(f) SILLAGE_I_ADD_NOWRITE(SILLAGE_I_LIST_##f)
#define SILLAGE_I_ADD_NOWRITE(...) SILLAGE_I_ADD_NOWRITE_(__VA_ARGS__)
#define SILLAGE_I_ADD_NOWRITE_(name, media_type, labels, label_count, count, kind, size, flags,   \
                               base)                                                              \
  name, media_type, labels, label_count, count, kind, size, (uint8_t)(flags | SILLAGE_I_NOWRITE), \
      base
#define SILLAGE_I_BYTES_sillage_nowrite(f) SILLAGE_I_UNKNOWN_BYTES
#define SILLAGE_I_DECLARE_sillage_nowrite(f) \
  SILLAGE_I_DECLARE_##f SILLAGE_I_ITEM(f).form |= SILLAGE_I_FORM_NOWRITE;

/* ---- The site ------------------------------------------------------------------------------------------------- */

#define SILLAGE_I_CHECK(f) SILLAGE_I_CHECK_##f
#define SILLAGE_I_DESCRIBE(f) {SILLAGE_I_LIST_##f, 0},
#define SILLAGE_I_ADD_BYTES(f) +SILLAGE_I_BYTES_##f
#define SILLAGE_I_DECLARE(f) SILLAGE_I_DECLARE_##f
#define SILLAGE_I_ITEM(f) SILLAGE_I_JOIN(sillage_item_, SILLAGE_I_TOKEN_##f)
#define SILLAGE_I_PACK(f) sillage_i_pack_item(&sillage_i_words, SILLAGE_I_ITEM(f));
#define SILLAGE_I_COPY(f)                                                          \
  __builtin_memcpy(sillage_i_to, SILLAGE_I_ITEM(f).data, SILLAGE_I_ITEM(f).bytes); \
  sillage_i_to += SILLAGE_I_ITEM(f).bytes;
#define SILLAGE_I_PASS(f) \
  sillage_emit_bytes(&SILLAGE_I_THIS_SITE, SILLAGE_I_ITEM(f).data, SILLAGE_I_ITEM(f).bytes);
#define SILLAGE_I_APPEND(f) sillage_i_append(&sillage_i_pieces, SILLAGE_I_ITEM(f));

#if defined(__has_attribute)
#if __has_attribute(retain)
#define SILLAGE_I_ENTRY __attribute__((used, retain, section("sillage_sites")))
#endif
#endif
#ifndef SILLAGE_I_ENTRY
#define SILLAGE_I_ENTRY __attribute__((used, section("sillage_sites")))
#endif

#define SILLAGE_I_SITE(provider_text, name_text, log_level_number, ...)                         \
  SILLAGE_I_QUIET_BEGIN                                                                         \
  SILLAGE_I_EACH(SILLAGE_I_CHECK, __VA_ARGS__)                                                  \
  struct sillage_i_names {                                                                      \
    SILLAGE_I_EACH(SILLAGE_I_MEMBER, __VA_ARGS__)                                               \
    char sillage_i_end;                                                                         \
  };                                                                                            \
  static const struct sillage_field sillage_i_fields[SILLAGE_I_COUNT(__VA_ARGS__) + 1] = {      \
      SILLAGE_I_EACH(SILLAGE_I_DESCRIBE, __VA_ARGS__){NULL, NULL, NULL, 0, 0, 0, 0, 0, 0, 0}};  \
  static const struct sillage_event sillage_i_event = {provider_text,                           \
                                                       name_text,                               \
                                                       __FILE__,                                \
                                                       SILLAGE_I_FIRST(__VA_ARGS__, 0),         \
                                                       sillage_i_fields,                        \
                                                       __LINE__,                                \
                                                       SILLAGE_I_COUNT(__VA_ARGS__),            \
                                                       log_level_number,                        \
                                                       0};                                      \
  static struct sillage_site sillage_i_site = {&sillage_closed_gate, NULL, &sillage_i_event, 0, \
                                               0};                                              \
  static struct sillage_site* sillage_i_entry SILLAGE_I_ENTRY = &sillage_i_site;                \
  SILLAGE_I_QUIET_END
#define SILLAGE_I_THIS_SITE sillage_i_site
#define SILLAGE_I_ENTER(site)

/* All but one branch is dropped at compile time. */
#define SILLAGE_I_RECORD(...)                                                                 \
  SILLAGE_I_QUIET_BEGIN                                                                       \
  enum {                                                                                      \
    sillage_i_count = SILLAGE_I_COUNT(__VA_ARGS__),                                           \
    sillage_i_is_fixed =                                                                      \
        (0 SILLAGE_I_EACH(SILLAGE_I_ADD_BYTES, __VA_ARGS__)) < SILLAGE_I_UNKNOWN_BYTES,       \
    sillage_i_is_short =                                                                      \
        (0 SILLAGE_I_EACH(SILLAGE_I_ADD_BYTES, __VA_ARGS__)) <= SILLAGE_I_WORDS_BYTES,        \
    sillage_i_is_block =                                                                      \
        (0 SILLAGE_I_EACH(SILLAGE_I_ADD_BYTES, __VA_ARGS__)) <= SILLAGE_I_BLOCK_BYTES         \
  };                                                                                          \
  SILLAGE_I_EACH(SILLAGE_I_DECLARE, __VA_ARGS__)                                              \
  if (sillage_i_is_short) {                                                                   \
    struct sillage_i_words sillage_i_words = {{0, 0, 0, 0}, 0};                               \
    SILLAGE_I_EACH(SILLAGE_I_PACK, __VA_ARGS__)                                               \
    sillage_emit_words(&sillage_i_site, sillage_i_words.bytes, sillage_i_words.word[0],       \
                       sillage_i_words.word[1], sillage_i_words.word[2]);                     \
  } else if (sillage_i_is_fixed && sillage_i_count == 1) {                                    \
    SILLAGE_I_EACH(SILLAGE_I_PASS, __VA_ARGS__)                                               \
  } else if (sillage_i_is_block) {                                                            \
    char sillage_i_block[SILLAGE_I_BLOCK_BYTES] __attribute__((aligned(16)));                 \
    char* sillage_i_to = sillage_i_block;                                                     \
    SILLAGE_I_EACH(SILLAGE_I_COPY, __VA_ARGS__)                                               \
    sillage_emit_bytes(&sillage_i_site, sillage_i_block,                                      \
                       (uint32_t)(sillage_i_to - sillage_i_block));                           \
  } else {                                                                                    \
    struct sillage_part sillage_i_parts[2 * sillage_i_count + 1];                             \
    char sillage_i_scratch[SILLAGE_I_MERGED_BYTES * sillage_i_count + 1]                      \
        __attribute__((aligned(16)));                                                         \
    struct sillage_i_pieces sillage_i_pieces = {sillage_i_parts, sillage_i_scratch, 0, 0, 0}; \
    SILLAGE_I_EACH(SILLAGE_I_APPEND, __VA_ARGS__)                                             \
    sillage_emit_parts(&sillage_i_site, sillage_i_parts, sillage_i_pieces.count);             \
  }                                                                                           \
  SILLAGE_I_STAY_CALLER();                                                                    \
  SILLAGE_I_QUIET_END

#endif
