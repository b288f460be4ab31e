/* SPDX-License-Identifier: MIT */
/* expect: format */
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  sillage_tracef("%s", n);
#else
  sillage_tracef("%d", n);
#endif
}
