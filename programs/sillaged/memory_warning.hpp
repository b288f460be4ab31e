// SPDX-License-Identifier: MIT
#pragma once

#include "session/channel_settings.hpp"

#include <cstdint>
#include <string>

namespace sillage::daemon {

/// What a user is told of a channel whose buffers the machine, or the limit of the daemon's control group, has no room for;
/// "" if it has. Of the buffers of one user.
[[nodiscard]] std::string memory_warning(const session::ChannelSettings& settings,
                                         session::Domain domain);
/// The same with so many CPUs, and so much memory.
[[nodiscard]] std::string memory_warning(const session::ChannelSettings& settings,
                                         session::Domain domain, std::uint64_t cpu_count,
                                         std::uint64_t available_bytes);

}  // namespace sillage::daemon
