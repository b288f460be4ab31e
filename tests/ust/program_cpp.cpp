// SPDX-License-Identifier: MIT
// Every event from C++, with the provider in the same file, and the events of tracef() and tracelog().
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#define TRACEPOINT_CREATE_PROBES
#define TRACEPOINT_DEFINE
#include "emit.inc"
#include "every_field.h"
#include "old_names.h"

#include <lttng/tracef.h>
#include <lttng/tracelog.h>

#include <cstdarg>
#include <cstdlib>
#include <string>

static void log_list(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  lttng_ust_vtracef(format, arguments);
  va_end(arguments);
  va_start(arguments, format);
  lttng_ust_vtracelog(LTTNG_UST_TRACEPOINT_LOGLEVEL_ERR, format, arguments);
  va_end(arguments);
}

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 1;
  emit_all(rounds);
  for (int i = 0; i < rounds; ++i) {
    lttng_ust_tracef("round %d of %d: %s", i, rounds, "text");
    tracef("%s", std::string(2000 + static_cast<unsigned>(i), 'x').c_str());
    lttng_ust_tracelog(LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO, "round %d", i);
    tracelog(TRACE_DEBUG_LINE, "%#x", i + 1);
    log_list("%d %s", i, "list");
  }
  return 0;
}
