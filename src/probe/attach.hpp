// SPDX-License-Identifier: MIT
// Turning a collector's reply into slots.
#pragma once

#include "abi/catalog.h"
#include "probe/collector_link.hpp"
#include "probe/image.hpp"

namespace sillage::probe {

/// Makes the slots of an image's sites what a collector's reply says. Channels that stay keep recording
/// throughout. Takes the reply's descriptors.
///
/// Threads: under the library's lock.
void apply_reply(ImageState* state, sillage_domain domain, Reply* reply);

/// Ends recording of a collector's channels at one site, and notes that its half of the gate is closed.
void close_site(sillage_site* site, sillage_domain domain);

/// Ends recording of all channels at a site whose object goes, and keeps its slots for other sites.
void discard_slots(sillage_site* site);

/// Gives back the rings an image has of a collector.
void release_rings(ImageState* state, sillage_domain domain);

}  // namespace sillage::probe
