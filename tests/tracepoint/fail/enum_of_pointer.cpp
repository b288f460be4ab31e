// SPDX-License-Identifier: MIT
// expect: field operation:
#include <sillage/tracepoint.h>

static const struct sillage_label kLabels[] = {SILLAGE_LABEL(0, "get")};

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_enum(operation, &n, kLabels));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_enum(operation, n, kLabels));
#endif
}
