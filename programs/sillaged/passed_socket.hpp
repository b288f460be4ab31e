// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"

#include <string>

namespace sillage::daemon {

/// The socket that systemd, or who else starts services when somebody connects, bound to `path`, listens on and passed
/// to this process; none if there is no such socket.
///
/// Takes LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES out of the environment, so that only the first call finds one, and
/// closes other sockets that came along.
///
/// Source: sd_listen_fds(3).
[[nodiscard]] Fd passed_socket(const std::string& path);

}  // namespace sillage::daemon
