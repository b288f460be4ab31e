/* SPDX-License-Identifier: MIT */
#include <sillage/tracepoint.h>

#include <errno.h>

static int evaluated;
static int evaluate(void) { return ++evaluated; }

/* Exits with the number of events that somebody wanted. */
int main(void) {
  errno = 0;
  SILLAGE_TRACEPOINT(package, in_c, INFO, sillage_field(number, evaluate()),
                     sillage_field(text, (const char*)"from C"));
  return errno == 0 ? evaluated : 100;
}
