// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_message.hpp"
#include "collect/collector.hpp"
#include "sillaged/recording_state.pb.h"

#include <cstdint>

namespace sillage::daemon {

/// Says of a trace that its times are of a program's own clock. `realtime_offset_ns`: realtime minus CLOCK_MONOTONIC.
void set_clock(const apps::AppClock& clock, std::int64_t realtime_offset_ns,
               collect::TraceOptions* options);

/// As the journal has it.
void write_clock(const apps::AppClock& clock, v1::OtherClock* to);
[[nodiscard]] apps::AppClock read_clock(const v1::OtherClock& from);

}  // namespace sillage::daemon
