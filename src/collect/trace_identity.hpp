// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"

#include <cstdint>

namespace sillage::collect {

/// What a collector that goes on with a trace must know of it.
struct TraceIdentity {
  ctf::Uuid uuid{};
  std::uint64_t metadata_bytes = 0;
};

}  // namespace sillage::collect
