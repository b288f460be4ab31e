// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): of the library
class App;
}

namespace sillage::command {

/// The command line of `sillage info`.
struct InfoOptions {
  std::vector<std::string> paths;
  bool json = false, fields = false, clock_gmt = false;
};

/// Adds `sillage info` and its options to the command line.
///
/// Lifetime: `options` until the command line was parsed.
CLI::App* declare_info(CLI::App* app, InfoOptions* options);

/// `sillage info`: prints what is in traces.
///
/// Returns the exit status: 0, or 1 if a trace could not be read or something in it is damaged.
[[nodiscard]] int info(const InfoOptions& options);

}  // namespace sillage::command
