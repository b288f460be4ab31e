// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/client.hpp"

namespace sillage::client {

/// Connects to the daemon of this user, starting one if none runs.
///
/// Any number of commands may do so at once: one daemon wins, all get connected to it.
///
/// Errors: kNotFound  there is no `sillaged` beside this program or in PATH;
///         kTimeout   it did not come up;
///         those of ControlClient::connect.
[[nodiscard]] Result<control::ControlClient> connect_or_start();

/// Connects to the daemon of this user.
///
/// Errors: those of ControlClient::connect: kNotFound  none runs.
[[nodiscard]] Result<control::ControlClient> connect_running();

}  // namespace sillage::client
