// SPDX-License-Identifier: MIT
// sillage convert: see sillage-convert(1).
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): of the library
class App;
}

namespace sillage::command {

/// The command line of `sillage convert`, as typed.
struct ConvertOptions {
  std::vector<std::string> paths;
  std::string output, to;
  std::string begin, end;  ///< empty: not given
  bool clock_gmt = false;
};

/// Adds `sillage convert` and its options to the command line.
///
/// Lifetime: `options` until the command line was parsed.
CLI::App* declare_convert(CLI::App* app, ConvertOptions* options);

/// Converts traces; says on standard error what the result lacks.
///
/// Returns the exit status: 0, or 1 if something could not be read or written.
[[nodiscard]] int convert(const ConvertOptions& options);

}  // namespace sillage::command
