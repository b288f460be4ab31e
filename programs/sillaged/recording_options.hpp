// SPDX-License-Identifier: MIT
#pragma once

#include "collect/collector.hpp"
#include "session/channel.hpp"
#include "session/recording_session.hpp"
#include "sillaged/recording_store.hpp"

#include <cstdint>
#include <string>

namespace sillage::daemon {

/// What a collector is to make of a channel of programs.
[[nodiscard]] collect::ChannelOptions channel_options(const session::Channel& channel);

/// The name of a channel's files: one whose records have changed has others.
[[nodiscard]] std::string versioned(const std::string& channel, std::uint32_t version);

/// Where the traces of a recording are while it goes on.
[[nodiscard]] std::string files_path_of(std::uint64_t id, const session::RecordingSession& session,
                                        const RecordingStore& store);

}  // namespace sillage::daemon
