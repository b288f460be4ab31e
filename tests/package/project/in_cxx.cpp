// SPDX-License-Identifier: MIT
#include <sillage/tracepoint.h>

#include <cerrno>
#include <string>

// Exits with the number of events that somebody wanted.
int main() {
  errno = 0;
  int evaluated = 0;
  SILLAGE_TRACEPOINT(package, in_cxx, INFO, sillage_field(number, ++evaluated),
                     sillage_field(text, std::string("from C++")));
  return errno == 0 ? evaluated : 100;
}
