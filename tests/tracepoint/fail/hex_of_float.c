/* SPDX-License-Identifier: MIT */
/* expect: field ratio: */
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_hex(ratio, n * 0.5));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(ratio, n * 0.5));
#endif
}
