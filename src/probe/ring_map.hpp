// SPDX-License-Identifier: MIT
// The rings and clock pages this process has mapped.
#pragma once

#include "abi/app_protocol.h"
#include "probe/slot.hpp"

#include <cstdint>

namespace sillage::probe {

/// Maps a ring, or finds the mapping made for another image.
///
/// `names`: of its application contexts, up to `names_end`; moved behind them.
/// Returns: a view with one user more; nullptr if the descriptor is no ring this library understands.
/// Threads: under the library's lock.
[[nodiscard]] RingView* acquire_ring(int fd, const sillage_app_attachment& attachment,
                                     const sillage_clock_page* clock, const char** names,
                                     const char* names_end);

/// Gives a ring back. The last user replaces its memory by private pages, after every restartable
/// sequence that may still write there has ended.
void release_ring(RingView* ring);

/// Maps a collector's clock page, or finds it; nullptr if it is none.
[[nodiscard]] const sillage_clock_page* acquire_clock(int fd);

}  // namespace sillage::probe
