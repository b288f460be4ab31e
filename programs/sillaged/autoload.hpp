// SPDX-License-Identifier: MIT
#pragma once

#include "control/control.pb.h"

#include <string>
#include <vector>

namespace sillage::daemon {

/// Sessions that are there when the daemon starts: of files of lttng-save(1) and `sillage save`.
struct Autoload {
  std::vector<control::v1::Request> requests{};  ///< to load and to start them, in order
  std::vector<std::string> problems{};           ///< why others are not
};

/// Where such files lie, as for LTTng: `auto` in the user's and in the system's directory of sessions.
[[nodiscard]] std::vector<std::string> autoload_directories(const std::string& home);

/// Reads the files *.lttng of directories, or files themselves.
///
/// What root's daemon does, others must not be able to choose: a file counts if it belongs to root or to this user,
/// and not everybody may write it.
[[nodiscard]] Autoload read_autoload(const std::vector<std::string>& paths);

}  // namespace sillage::daemon
