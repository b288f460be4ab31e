// SPDX-License-Identifier: MIT
#pragma once

#include "apps/socket_path.hpp"
#include "hold/store.hpp"

#include <memory>

namespace sillage::daemon {

/// Where the daemon of these paths keeps what is to outlive it: in the service manager, if that has a store for it
/// (SILLAGE_FDSTORE=1, set by our systemd units), else in a holder process.
///
/// Threads: to be called before there are others, and before passed_socket().
[[nodiscard]] std::unique_ptr<hold::DescriptorStore> make_descriptor_store(
    const apps::RuntimePaths& paths);

}  // namespace sillage::daemon
