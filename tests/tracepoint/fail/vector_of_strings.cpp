// SPDX-License-Identifier: MIT
// expect: field names:
#include <sillage/tracepoint.h>

#include <string>
#include <vector>

void test(int n);
void test(int n) {
#ifndef FIXED
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(n, n),
                     sillage_field(names, std::vector<std::string>()));
#else
  SILLAGE_TRACEPOINT(fail, test, INFO, sillage_field(n, n),
                     sillage_field(names, std::vector<int>()));
#endif
}
