// SPDX-License-Identifier: MIT
// expect: field image:
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_blob(image, &n, "image/png"));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_blob(image, n, "image/png"));
#endif
}
