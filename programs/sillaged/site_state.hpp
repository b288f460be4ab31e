// SPDX-License-Identifier: MIT
#pragma once

#include "apps/image_catalog.hpp"
#include "base/result.hpp"
#include "sillaged/recording_state.pb.h"

namespace sillage::daemon {

/// A tracepoint as a recording's journal has it: all that its event class is made of.
void fill(const apps::Site& site, v1::Site* message);
/// Errors: kCorrupt  no site that a program could have had.
[[nodiscard]] Result<apps::Site> site_of(const v1::Site& message);

}  // namespace sillage::daemon
