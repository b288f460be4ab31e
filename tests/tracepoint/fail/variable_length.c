/* SPDX-License-Identifier: MIT */
/* expect: field buffer: */
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  int buffer[n];
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(buffer, buffer));
#else
  int buffer[4] = {n};
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(buffer, buffer));
#endif
}
