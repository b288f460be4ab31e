// SPDX-License-Identifier: MIT
// expect: field order:
#include <sillage/tracepoint.h>

class Order {};

void test(int n);
void test(int n) {
#ifndef FIXED
  Order order;
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(n, n), sillage_field(order, order));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(n, n));
#endif
}
