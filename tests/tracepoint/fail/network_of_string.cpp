// SPDX-License-Identifier: MIT
// expect: field host:
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(n, n), sillage_network(host, "text"));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(n, n), sillage_field(host, "text"));
#endif
}
