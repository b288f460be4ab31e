// SPDX-License-Identifier: MIT
// program ROUNDS [PROVIDER.so]: sends every event; a provider that is named is loaded first.
#define LTTNG_UST_TRACEPOINT_DEFINE
#define TRACEPOINT_DEFINE
#include "every_field.h"
#include "old_names.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// Behind what it uses.
// clang-format off
#include "emit.inc"
// clang-format on

int main(int argc, char** argv) {
  int rounds = argc > 1 ? atoi(argv[1]) : 1;
  if (argc > 2 && dlopen(argv[2], RTLD_NOW) == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  emit_all(rounds);
  return 0;
}
