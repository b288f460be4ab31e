// SPDX-License-Identifier: MIT
// Local times as LTTng has them in names.
#pragma once

#include <time.h>

#include <string>

namespace sillage::daemon {

/// Now, in a format of strftime().
[[nodiscard]] inline std::string local_time(const char* format) {
  const time_t now = time(nullptr);
  tm local = {};
  localtime_r(&now, &local);
  char text[64];
  return {text, strftime(text, sizeof text, format, &local)};
}

/// YYYYmmdd-HHMMSS: of sessions and snapshots.
[[nodiscard]] inline std::string session_datetime() { return local_time("%Y%m%d-%H%M%S"); }
/// YYYYmmddTHHMMSS+hhmm: of traces and chunks.
[[nodiscard]] inline std::string chunk_datetime() { return local_time("%Y%m%dT%H%M%S%z"); }

}  // namespace sillage::daemon
