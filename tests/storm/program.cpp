// SPDX-License-Identifier: MIT
// One of many programs that come and go: registers, emits as many events as it is told, ends.
//   storm_program COUNT
#include <sillage/tracepoint.h>

#include <cstdlib>

int main(int count, char** arguments) {
  const int events = count == 2 ? std::atoi(arguments[1]) : 0;
  for (int i = 0; i < events; ++i) {
    SILLAGE_TRACEPOINT(storm, counted, INFO, sillage_field(number, i));
    SILLAGE_TRACEPOINT(storm, toggled, INFO, sillage_field(number, i));
  }
  return events > 0 ? 0 : 2;
}
