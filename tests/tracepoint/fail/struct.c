/* SPDX-License-Identifier: MIT */
/* expect: field where: */
#include <sillage/tracepoint.h>

struct point {
  int x, y;
};

void test(int n);
void test(int n) {
#ifndef FIXED
  struct point p = {n, n};
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(where, p));
#else
  struct point p = {n, n};
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(where, p.x));
#endif
}
