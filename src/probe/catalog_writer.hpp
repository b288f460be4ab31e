// SPDX-License-Identifier: MIT
#pragma once

#include <sillage/site.h>

#include <cstdint>

namespace sillage::probe {

/// Writes the description of one event as src/abi/catalog.h lays it out.
///
/// Returns: its bytes, padding included. With `to` nullptr nothing is written: the size alone.
std::uint32_t write_description(const sillage_event& event, char* to);

}  // namespace sillage::probe
