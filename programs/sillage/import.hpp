// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <CLI/CLI.hpp>

#include <string>

namespace sillage::command {

/// The command line of `sillage import`, as typed.
struct ImportOptions {
  std::string path, output;  ///< "" = not given
  std::string trace_format = "ctf-1.8";
};

/// Declares the command's options, which are parsed into `options`.
CLI::App* declare_import(CLI::App* app, ImportOptions* options);

/// The directory that `sillage import PATH` makes without -o: the file's name and ".ctf", here.
[[nodiscard]] std::string default_import_output(const std::string& path);

/// `sillage import`: writes a trace of trace-cmd or perf as CTF, says on standard output what it wrote and on
/// standard error what had to be left out.
///
/// Returns the exit status: 0, or 1 if something in the file is damaged.
/// Errors: kInvalidArgument  no such trace format; those of import::import_file.
[[nodiscard]] Result<int> import_trace(const ImportOptions& options);

}  // namespace sillage::command
