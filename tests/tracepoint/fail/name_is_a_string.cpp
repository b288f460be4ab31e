// SPDX-License-Identifier: MIT
// expect: count
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field("count", n));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(count, n));
#endif
}
