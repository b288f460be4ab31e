// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/limits.hpp"

#include <cstddef>

namespace sillage::ctf {

/// Counts the memory that a metadata stream makes its reader hold, so that the stream is refused
/// before the machine runs out.
///
/// Estimates: callers add what they are about to allocate, with the allocator's overhead.
class MemoryBudget {
 public:
  MemoryBudget(const MetadataLimits& limits, std::size_t input_bytes)
      : limit_(limits.memory_bytes + limits.memory_per_byte * input_bytes) {}

  /// Adds `bytes`; false if that is too much.
  [[nodiscard]] bool take(std::size_t bytes) {
    if (bytes > limit_ - used_) return false;
    used_ += bytes;
    return true;
  }

  [[nodiscard]] std::size_t used() const { return used_; }
  [[nodiscard]] std::size_t limit() const { return limit_; }

  /// Goes back to an earlier `used()`: what was added since is free again.
  void release_to(std::size_t used) { used_ = used; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
};

}  // namespace sillage::ctf
