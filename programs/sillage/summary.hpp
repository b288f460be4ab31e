// SPDX-License-Identifier: MIT
#pragma once

#include "control/control.pb.h"

#include <cstdint>
#include <string>

namespace sillage::command {

/// What is shown once a second while recording: events, rate, lost, size. No newline.
[[nodiscard]] std::string live_line(const control::v1::Stats& stats,
                                    std::uint64_t events_per_second);

/// What is shown at the end: events, lost by cause, bytes, duration, path, and the next command to type.
[[nodiscard]] std::string summary_text(const control::v1::StopRecordingResponse& summary);

/// Why nothing was recorded, one reason per line; `program` is what was run, or empty.
[[nodiscard]] std::string why_empty(const control::v1::StopRecordingResponse& summary,
                                    const std::string& program, std::uint64_t pids_asked);

/// Sum of all causes.
[[nodiscard]] std::uint64_t total_lost(const control::v1::Lost& lost);

}  // namespace sillage::command
