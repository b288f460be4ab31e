// SPDX-License-Identifier: MIT
// expect: SILLAGE_ERROR_MORE_THAN_32_FIELDS
#include <sillage/tracepoint.h>

#define FOUR(name)                                                                 \
  sillage_field(name##1, n), sillage_field(name##2, n), sillage_field(name##3, n), \
      sillage_field(name##4, n)
#define SIXTEEN(name) FOUR(name##a), FOUR(name##b), FOUR(name##c), FOUR(name##d)

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, SIXTEEN(x), SIXTEEN(y), sillage_field(z, n));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, SIXTEEN(x), SIXTEEN(y));
#endif
}
