// SPDX-License-Identifier: MIT
// The options of `sillage read`: as typed, and what they mean.
#pragma once

#include "base/result.hpp"
#include "ctf/text_printer.hpp"
#include "sillage/read_time.hpp"
#include "symbols/object_symbols.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): of the library
class App;
}

namespace sillage::command {

/// The command line of `sillage read`, as typed. Texts are none where an empty one is an error.
struct ReadOptions {
  std::vector<std::string> paths;
  std::optional<std::string> begin, end, time_range;
  bool clock_cycles = false, clock_seconds = false, clock_date = false, clock_gmt = false;
  bool clock_force_correlate = false;  ///< clocks always are; for details
  std::optional<std::string> clock_offset, clock_offset_ns;
  std::vector<std::string> fields, names;  ///< may hold commas
  bool no_delta = false, stream_intersection = false, strict = false, no_pager = false;
  std::string color = "auto", format = "text", output;
  std::vector<std::string> events;  ///< patterns
  std::optional<std::string> filter;
  std::optional<std::uint64_t> limit;
  bool debug_info = false, debug_info_full_path = false;
  std::optional<std::string> debug_info_dir, debug_info_target_prefix;
  unsigned threads = 1;
};

/// Adds `sillage read` and its options to the command line.
///
/// Lifetime: `options` until the command line was parsed.
CLI::App* declare_read(CLI::App* app, ReadOptions* options);

enum class ReadFormat : std::uint8_t { kText, kJson, kCsv, kDetails, kCount };

/// The options, checked.
struct ReadPlan {
  ReadFormat format = ReadFormat::kText;
  ctf::TextOptions text;
  std::optional<TimeBound> begin, end;
  std::int64_t clock_offset_ns = 0;
  /// Where files of symbols are, if places are to be shown.
  std::optional<symbols::SearchOptions> symbols;
  bool colours_warnings = false;
  bool is_colour_terminal = false;
};

/// Checks the options and works out what they mean; looks at the terminal for `--color auto`.
///
/// Errors: kInvalidArgument  what cannot be, and what to write instead.
[[nodiscard]] Result<ReadPlan> plan_reading(const ReadOptions& options);

}  // namespace sillage::command
