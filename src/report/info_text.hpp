// SPDX-License-Identifier: MIT
#pragma once

#include "report/trace_summary.hpp"

#include <string>

namespace sillage::report {

/// What to say, and how.
struct InfoChoice {
  bool has_fields = false;  ///< of each event; also of events that do not occur
  bool is_gmt = false;      ///< times in UTC, not local time
};

/// What is in a trace, for people: see sillage-info(1).
[[nodiscard]] std::string info_text(const TraceSummary& summary, const InfoChoice& choice);

}  // namespace sillage::report
