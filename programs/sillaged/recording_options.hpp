// SPDX-License-Identifier: MIT
#pragma once

#include "collect/collector.hpp"
#include "session/channel.hpp"

namespace sillage::daemon {

/// What a collector is to make of a channel of programs.
[[nodiscard]] collect::ChannelOptions channel_options(const session::Channel& channel);

}  // namespace sillage::daemon
