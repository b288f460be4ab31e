// SPDX-License-Identifier: MIT
#pragma once

#include "base/units.hpp"
#include "collect/stream_recorder.hpp"
#include "ring/run_source.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sillage::collect {

/// Copies what a stream holds at this moment, its newest `max_runs` runs, oldest first and without a gap: where
/// writers were faster than the copy, what lies in front of the gap is left out.
///
/// `stream` is a peek of a recorder, so that nothing is taken from it. All that was published before `until` and is
/// still there is in; what came after it may be. The first run counts as skipped what lies in front of it.
///
/// Shape:    `memory` has room for all sub-buffers and one more, each of `subbuf_bytes`; the runs stand in it.
/// Cost:     one copy; no more than the ring's size and what is written meanwhile.
[[nodiscard]] std::vector<ring::Run> take_snapshot(StreamRecorder& stream, Nanoseconds until,
                                                   std::size_t max_runs, std::uint64_t subbuf_bytes,
                                                   std::span<std::byte> memory);

}  // namespace sillage::collect
