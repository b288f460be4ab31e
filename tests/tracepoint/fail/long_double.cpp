// SPDX-License-Identifier: MIT
// expect: field exact:
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(exact, (long double)n));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(exact, (double)n));
#endif
}
