// SPDX-License-Identifier: MIT
// The state dump: which objects are mapped where, as events, for whoever resolves addresses in the trace. Events and fields are
// LTTng-UST's: lttng_ust_statedump:* tells all at once, lttng_ust_lib:* what came and went since.
#pragma once

#include "probe/image.hpp"

#include <cstdint>

namespace sillage::probe {

/// The image of these events' sites: this library's own.
[[nodiscard]] sillage_image* state_image();

/// Writes a dump where a collector asks for one: on the rings of state_image() whose number of a dump is new.
///
/// Threads: all of these under the library's lock. Async-signal-safe; errno is left alone.
/// Cost:    without a wish, one comparison a ring; a dump 0.3 ms for 10 objects.
void dump_state_if_wanted(const ImageState* state);

/// In a fork child, before it asks collectors: it has written none.
void forget_dumps(const ImageState* state);

/// Looks for objects that have come or gone since the last look, and records that. `ip`: whose doing it is, for the context.
///
/// Returns: whether an object has gone. Before the first dump there is nothing to compare with, and nothing is recorded.
bool record_object_changes(const ImageState* state, std::uint64_t ip);
/// Whether somebody records such changes.
[[nodiscard]] bool are_changes_recorded();

}  // namespace sillage::probe
