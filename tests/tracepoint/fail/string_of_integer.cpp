// SPDX-License-Identifier: MIT
// expect: field label:
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_string(label, n));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_string(label, n != 0 ? "yes" : "no"));
#endif
}
