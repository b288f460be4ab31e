/* SPDX-License-Identifier: MIT */
/* expect: field matrix: */
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  int m[2][2] = {{n, n}, {n, n}};
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(matrix, m));
#else
  int m[2][2] = {{n, n}, {n, n}};
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(matrix, m[0]));
#endif
}
