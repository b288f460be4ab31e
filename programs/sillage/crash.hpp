// SPDX-License-Identifier: MIT
// `sillage crash`, by another name lttng-crash(1): see sillage-crash(1).
#pragma once

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): of the library
class App;
}

namespace sillage::command {

struct CrashOptions {
  std::string buffers;      ///< directory of create's --shm-path, or one of a session in it
  std::string extract;      ///< directory to make; "": they are shown
  std::string viewer;       ///< command that shows them; "": babeltrace2
  bool is_verbose = false;  ///< LTTng's; changes nothing
  bool is_version = false, is_list_of_options = false;
};

/// Declares the command.
[[nodiscard]] CLI::App* declare_crash(CLI::App* app, CrashOptions* options);

/// The command's words, if the program was called by LTTng's name for it.
[[nodiscard]] std::vector<std::string> words_of_call(int argc, char** argv);

/// Returns the exit status, as lttng-crash has it: 0, or 1 where something could not be read or shown.
[[nodiscard]] int crash(const CrashOptions& options);

}  // namespace sillage::command
