/* SPDX-License-Identifier: MIT */
/* expect: field elements: */
#include <sillage/tracepoint.h>

void test(int n);
void test(int n) {
#ifndef FIXED
  void* p = &n;
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_sequence(elements, p, 4));
#else
  void* p = &n;
  SILLAGE_TRACEPOINT(fail, test, INFO,
                     sillage_blob_sequence(elements, p, 4, "application/octet-stream"));
#endif
}
