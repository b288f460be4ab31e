// SPDX-License-Identifier: MIT
// expect: LOUD
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, LOUD, sillage_field(n, n));
#else
  SILLAGE_TRACEPOINT(fail, test, ALERT, sillage_field(n, n));
#endif
}
