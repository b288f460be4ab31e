// SPDX-License-Identifier: MIT
#pragma once

#include "abi/catalog.h"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sillage::apps {

/// Where a daemon's sockets and its lock are.
struct RuntimePaths {
  std::string directory;
  sillage_domain domain = SILLAGE_DOMAIN_USER;  ///< which half of the gates is its own

  [[nodiscard]] std::string app_socket() const { return directory + "/app.sock"; }
  [[nodiscard]] std::string control_socket() const { return directory + "/control.sock"; }
  /// Of root's daemon: where text for the event lttng_logger is written to.
  [[nodiscard]] std::string text_input() const { return directory + "/logger"; }
  /// Of the process that keeps what outlives the daemon.
  [[nodiscard]] std::string holder_socket() const { return directory + "/hold.sock"; }
  [[nodiscard]] std::string lock_file() const { return directory + "/sillaged.lock"; }
  /// Where recordings leave what a later daemon needs to go on with them, if this one is killed.
  [[nodiscard]] std::string states() const { return directory + "/recordings"; }
  [[nodiscard]] std::string state_file(std::uint64_t recording) const {
    return states() + "/" + std::to_string(recording);
  }
  /// The port of the agent server, where an LTTng-UST agent looks whose LTTNG_HOME is `directory`.
  [[nodiscard]] std::string agent_port_file() const { return directory + "/.lttng/agent.port"; }
  bool operator==(const RuntimePaths&) const = default;
};

/// Whose members may use root's daemon. LTTng's name for it.
inline constexpr const char* kTracingGroup = "tracing";

/// Those of root's daemon.
[[nodiscard]] RuntimePaths root_paths();

/// The value of an environment variable; nothing if unset.
using Environment = std::function<std::optional<std::string>(const char* name)>;

/// The paths of the daemon that a process of user `uid` with this environment belongs to.
///
/// Source: src/abi/app_protocol.h; programs do the same (probe/process.cpp).
[[nodiscard]] RuntimePaths runtime_paths(uid_t uid, const Environment& environment);

/// Where the daemon of these paths writes the port of its agent server: there, and, if the environment does not set it apart
/// from others of its user, where agents look that are told nothing.
[[nodiscard]] std::vector<std::string> agent_port_files(const RuntimePaths& paths,
                                                        const Environment& environment);

/// The calling process's own. Which daemon a command is to use: client/daemon_start.hpp.
[[nodiscard]] RuntimePaths runtime_paths();

/// A variable of the calling process.
[[nodiscard]] std::optional<std::string> environment_variable(const char* name);

}  // namespace sillage::apps
