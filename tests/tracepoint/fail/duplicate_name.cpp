// SPDX-License-Identifier: MIT
// expect: sillage_field_twice
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(twice, n), sillage_hex(twice, n));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(twice, n), sillage_hex(once, n));
#endif
}
