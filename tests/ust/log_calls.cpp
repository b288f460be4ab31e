// SPDX-License-Identifier: MIT
// tracef() and tracelog(), whose tracepoints and probes are the library's: nothing is defined here.
#include <lttng/tracef.h>
#include <lttng/tracelog.h>

#include <cstdarg>
#include <string>

namespace {

void log_list(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  lttng_ust_vtracef(format, arguments);
  va_end(arguments);
  va_start(arguments, format);
  lttng_ust_vtracelog(LTTNG_UST_TRACEPOINT_LOGLEVEL_ERR, format, arguments);
  va_end(arguments);
}

}  // namespace

void log_all(int rounds) {
  for (int i = 0; i < rounds; ++i) {
    lttng_ust_tracef("round %d of %d: %s", i, rounds, "text");
    tracef("%s", std::string(2000 + static_cast<unsigned>(i), 'x').c_str());
    lttng_ust_tracelog(LTTNG_UST_TRACEPOINT_LOGLEVEL_INFO, "round %d", i);
    tracelog(LTTNG_UST_TRACEPOINT_LOGLEVEL_DEBUG_LINE, "%#x", i + 1);
    log_list("%d %s", i, "list");
  }
}
