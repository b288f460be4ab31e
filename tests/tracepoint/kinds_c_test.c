/* SPDX-License-Identifier: MIT */
/* Every kind of field, byte for byte, in C. */
#define DEBUG 1 /* as programs do; log levels must not mind */
#include <sillage/tracepoint.h>
#include "abi/catalog.h"
#include "checks.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

_Static_assert((int)SILLAGE_I_INTEGER == (int)SILLAGE_KIND_INTEGER, "kind");
_Static_assert((int)SILLAGE_I_BOOL == (int)SILLAGE_KIND_BOOL, "kind");
_Static_assert((int)SILLAGE_I_ENUM == (int)SILLAGE_KIND_ENUM, "kind");
_Static_assert((int)SILLAGE_I_FLOAT == (int)SILLAGE_KIND_FLOAT, "kind");
_Static_assert((int)SILLAGE_I_STRING == (int)SILLAGE_KIND_STRING, "kind");
_Static_assert((int)SILLAGE_I_TEXT_ARRAY == (int)SILLAGE_KIND_TEXT_ARRAY, "kind");
_Static_assert((int)SILLAGE_I_TEXT_SEQUENCE == (int)SILLAGE_KIND_TEXT_SEQUENCE, "kind");
_Static_assert((int)SILLAGE_I_ARRAY == (int)SILLAGE_KIND_ARRAY, "kind");
_Static_assert((int)SILLAGE_I_SEQUENCE == (int)SILLAGE_KIND_SEQUENCE, "kind");
_Static_assert((int)SILLAGE_I_BLOB == (int)SILLAGE_KIND_BLOB, "kind");
_Static_assert((int)SILLAGE_I_BLOB_SEQUENCE == (int)SILLAGE_KIND_BLOB_SEQUENCE, "kind");
_Static_assert((int)SILLAGE_I_SIGNED == (int)SILLAGE_FIELD_SIGNED, "flag");
_Static_assert((int)SILLAGE_I_BIG_ENDIAN == (int)SILLAGE_FIELD_BIG_ENDIAN, "flag");
_Static_assert((int)SILLAGE_I_NOWRITE == (int)SILLAGE_FIELD_NOWRITE, "flag");
_Static_assert((int)SILLAGE_I_FLOAT_ELEMENTS == (int)SILLAGE_FIELD_FLOAT_ELEMENTS, "flag");

#include "kinds.inc"

int main(void) {
  test_all();
  enum colour { kRed, kGreen } colour = kGreen;
  RECORDING(c_enum);
  SILLAGE_TRACEPOINT(kinds, c_enum, INFO, sillage_field(colour, colour),
                     sillage_enum(same, colour, kOperations));
  EXPECT_PAYLOAD("\1\0\0\0\1\0\0\0");
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
