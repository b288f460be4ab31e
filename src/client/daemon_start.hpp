// SPDX-License-Identifier: MIT
#pragma once

#include "apps/socket_path.hpp"
#include "base/result.hpp"
#include "control/client.hpp"

#include <string>

namespace sillage::client {

/// The daemon that commands of this user go to: root's, if the user is in this group, may use it and it listens; else the
/// user's own, whether it runs or not. Root has no other, nor has who sets SILLAGE_RUNTIME_DIR.
///
/// Source: LTTng's rule, as liblttng-ctl applies it.
[[nodiscard]] apps::RuntimePaths choose_daemon(const std::string& group = apps::kTracingGroup);

/// Connects to a daemon, starting it if it is this user's own and does not run.
///
/// Any number of commands may do so at once: one daemon wins, all get connected to it.
///
/// Errors: kNotFound  there is no `sillaged` beside this program or in PATH; root's daemon went away;
///         kTimeout   it did not come up;
///         those of ControlClient::connect.
[[nodiscard]] Result<control::ControlClient> connect_or_start(
    const apps::RuntimePaths& paths = choose_daemon());

/// Connects to a daemon that runs.
///
/// Errors: those of ControlClient::connect: kNotFound  it does not.
[[nodiscard]] Result<control::ControlClient> connect_running(
    const apps::RuntimePaths& paths = choose_daemon());

}  // namespace sillage::client
