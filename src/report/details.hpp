// SPDX-License-Identifier: MIT
// Everything in a trace, message by message, as Babeltrace's `sink.text.details` writes it.
#pragma once

#include "ctf/trace_reader.hpp"
#include "report/details_classes.hpp"
#include "report/event_selection.hpp"
#include "report/packet_losses.hpp"

#include <cstdint>
#include <functional>
#include <string_view>

namespace sillage::report {

/// What to print of them.
struct DetailsChoice {
  ctf::TimeRange range{};
  ClockChange clocks{};
  std::uint64_t limit = 0;  ///< events at most
  bool has_colours = false;
};

/// Prints traces with their metadata, streams, packets, losses and events into `write`, in order of
/// time.
///
/// Stops when `write` returns false. Packets that have no time in common with the range are left out.
/// `on_damage` is told of records that cannot be decoded.
/// Returns: what was lost, which is printed, too.
/// Source:  text and colours measured against babeltrace2 2.0.4; user attributes as Babeltrace 2.2.
LossTotal print_details(const ctf::TraceReader& reader, const DetailsChoice& choice,
                        EventSelection* selection, const ctf::DamageReport& on_damage,
                        const std::function<bool(std::string_view)>& write);

}  // namespace sillage::report
