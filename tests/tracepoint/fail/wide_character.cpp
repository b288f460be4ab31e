// SPDX-License-Identifier: MIT
// expect: field letter:
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(letter, L'x'), sillage_field(n, n));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(letter, 'x'), sillage_field(n, n));
#endif
}
