// SPDX-License-Identifier: MIT
// Every event from C++, and those of log_calls.cpp: program_cpp ROUNDS
#define LTTNG_UST_TRACEPOINT_DEFINE
#define TRACEPOINT_DEFINE
#include "every_field.h"
#include "old_names.h"

#include <cstdlib>

// Behind what it uses.
// clang-format off
#include "emit.inc"
// clang-format on

void log_all(int rounds);

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1;
  emit_all(rounds);
  log_all(rounds);
  return 0;
}
