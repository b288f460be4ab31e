// SPDX-License-Identifier: MIT
#pragma once

#include "collect/stats.hpp"
#include "control/control.pb.h"

namespace sillage::daemon {

/// Counts of a recording as commands get them.
[[nodiscard]] collect::Stats stats_of(const control::v1::Stats& message);
void fill_stats(const collect::Stats& stats, control::v1::Stats* message);

}  // namespace sillage::daemon
