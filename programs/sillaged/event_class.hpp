// SPDX-License-Identifier: MIT
#pragma once

#include "apps/image_catalog.hpp"
#include "ctf/model.hpp"

namespace sillage::daemon {

/// The CTF event class of a tracepoint: what its records hold, without the fields that are not recorded.
[[nodiscard]] ctf::EventClass event_class_of(const apps::Site& site);

}  // namespace sillage::daemon
