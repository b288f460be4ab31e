// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/model.hpp"

#include <cstdint>

namespace sillage::collect {

/// What a collector that goes on with a trace must know of it.
struct TraceIdentity {
  ctf::Uuid uuid{};
  /// Of the metadata behind its head, whose length depends on the clock's offset.
  std::uint64_t body_bytes = 0;
  std::uint64_t stream_classes = 0;  ///< that were declared: one a channel
};

}  // namespace sillage::collect
