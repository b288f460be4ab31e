// SPDX-License-Identifier: MIT
#pragma once

#include "report/trace_summary.hpp"

#include <string>
#include <vector>

namespace sillage::report {

/// What is in traces as one JSON object: see sillage-info(1), "--json".
///
/// `has_fields`: with the fields of each event.
[[nodiscard]] std::string info_json(const std::vector<TraceSummary>& summaries, bool has_fields);

}  // namespace sillage::report
