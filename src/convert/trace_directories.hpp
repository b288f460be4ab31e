// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <string>
#include <vector>

namespace sillage::convert {

/// A directory with a trace, and its place below the output.
struct TraceDirectory {
  std::string path{};
  std::string place{};  ///< relative; "" = the output itself
};

/// The traces at or below the paths, each once; what is below a trace is not searched.
///
/// Errors: kNotFound  a path is not there, or has no trace.
[[nodiscard]] Result<std::vector<TraceDirectory>> find_trace_directories(
    const std::vector<std::string>& paths);

/// Names of the data stream files of a trace, sorted.
///
/// Errors: those of reading the directory.
[[nodiscard]] Result<std::vector<std::string>> data_stream_files(const std::string& directory);

/// Makes a directory and those above it.
///
/// Errors: those of mkdir, naming the directory.
[[nodiscard]] Status make_directories(const std::string& path);

/// Makes the directory of an output.
///
/// Errors: kAlreadyExists  it is there, and not empty; those of make_directories().
[[nodiscard]] Status make_output_directory(const std::string& path);

}  // namespace sillage::convert
