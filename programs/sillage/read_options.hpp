// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "ctf/text_printer.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::command {

/// The command line of `sillage read`, as typed.
struct ReadOptions {
  std::vector<std::string> paths;
  std::string begin, end, time_range;  ///< empty: not given
  bool clock_cycles = false, clock_seconds = false, clock_date = false, clock_gmt = false;
  std::int64_t clock_offset_s = 0, clock_offset_ns = 0;
  std::vector<std::string> fields, names;  ///< may hold commas
  bool no_delta = false, stream_intersection = false, strict = false;
  std::string color = "auto", format = "text";
  std::uint64_t limit = 0;  ///< 0: no limit
};

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
/// Errors: kInvalidArgument  anything else, or a time that 64 bits of nanoseconds cannot hold.
[[nodiscard]] Result<TimeBound> parse_time_bound(std::string_view text, bool is_gmt);

/// The same, checked.
struct ReadPlan {
  ctf::TextOptions text;
  std::optional<TimeBound> begin, end;
  std::int64_t clock_offset_ns = 0;
  bool colours_warnings = false;
  bool counts = false;  ///< --format count
};

/// Checks the options and works out what they mean; looks at the terminal for `--color auto`.
///
/// Errors: kInvalidArgument  what cannot be, and what to write instead.
[[nodiscard]] Result<ReadPlan> plan_reading(const ReadOptions& options);

}  // namespace sillage::command
