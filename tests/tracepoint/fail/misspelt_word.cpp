// SPDX-License-Identifier: MIT
// expect: sillage_feild
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_feild(n, n));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(n, n));
#endif
}
