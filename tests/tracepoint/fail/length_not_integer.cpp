// SPDX-License-Identifier: MIT
// expect: field elements:
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_sequence(elements, &n, 1.5));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_sequence(elements, &n, 1));
#endif
}
