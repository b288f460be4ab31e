// SPDX-License-Identifier: MIT
#pragma once

#include "apps/socket_path.hpp"
#include "base/fd.hpp"
#include "base/result.hpp"

namespace sillage::daemon {

/// Makes the directory of the sockets, or checks the one that is there.
///
/// Errors: kPermission  it is another user's, or others may write to it: they could take the sockets' place.
[[nodiscard]] Status prepare_directory(const apps::RuntimePaths& paths);

/// Becomes the one daemon of a directory, as long as the returned descriptor is open. Never waits.
///
/// Errors: kAlreadyExists  another daemon has it; the message names its pid.
[[nodiscard]] Result<Fd> lock_directory(const apps::RuntimePaths& paths);

}  // namespace sillage::daemon
