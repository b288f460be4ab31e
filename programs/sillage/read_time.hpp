// SPDX-License-Identifier: MIT
// Times as people type them.
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sillage::command {

/// A bound of time as people type it: a time with its date, or a time of day whose date is the one
/// on which the trace begins.
struct TimeBound {
  std::optional<std::int64_t> ns;  ///< from the origin
  std::int64_t time_of_day_ns = 0;

  /// The bound in nanoseconds from the origin, for a trace that begins at `trace_begin_ns`.
  [[nodiscard]] std::int64_t resolve(std::int64_t trace_begin_ns, bool is_gmt) const;
};

/// Reads "YYYY-MM-DD[ HH:MM[:SS[.NS]]]", "HH:MM[:SS[.NS]]" or "[-]S[.NS]", babeltrace2's formats.
///
/// Errors: kInvalidArgument  anything else, or a time that 64 bits of nanoseconds cannot hold. With
///                           `is_gmt` also months, days, hours, minutes and seconds that are not; in
///                           local time 25:00 is 1 o'clock of the next day, as with babeltrace2.
[[nodiscard]] Result<TimeBound> parse_time_bound(std::string_view text, bool is_gmt);

/// A range: "BEGIN,END" or "[BEGIN,END]".
struct TimeBounds {
  TimeBound begin{}, end{};
};

/// Errors: kInvalidArgument  not two times with a comma between them.
[[nodiscard]] Result<TimeBounds> parse_time_range(std::string_view text, bool is_gmt);

}  // namespace sillage::command
