// SPDX-License-Identifier: MIT
// Everything in a trace, message by message, as Babeltrace's `sink.text.details` writes it.
#pragma once

#include "ctf/trace_reader.hpp"
#include "sillage/event_selection.hpp"
#include "sillage/packet_losses.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace sillage::command {

/// Prints traces with their metadata, streams, packets, losses and events into `write`, in order of
/// time.
///
/// Stops when `write` returns false, or after `limit` events. Packets that have no time in common
/// with `range` are left out. `on_damage` is told of records that cannot be decoded.
/// Returns: what was lost, which is printed, too.
/// Source:  text measured against babeltrace2 2.0.4.
LossTotal print_details(const ctf::TraceReader& reader, const ctf::TimeRange& range,
                        std::int64_t clock_offset_ns, EventSelection* selection,
                        std::uint64_t limit, const ctf::DamageReport& on_damage,
                        const std::function<bool(std::string_view)>& write);

}  // namespace sillage::command
