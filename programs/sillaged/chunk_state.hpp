// SPDX-License-Identifier: MIT
#pragma once

#include "session/rotation.hpp"
#include "sillaged/recording_state.pb.h"

namespace sillage::daemon {

/// How a session's chunks stand, for the next daemon; and as that one has found it.
[[nodiscard]] v1::Chunks chunks_of(const session::Rotation::Progress& progress);
[[nodiscard]] session::Rotation::Progress progress_of(const v1::Chunks& chunks);

}  // namespace sillage::daemon
