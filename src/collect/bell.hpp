// SPDX-License-Identifier: MIT
#pragma once

#include "base/units.hpp"

#include <cstdint>
#include <span>

namespace sillage::collect {

/// A word in shared memory that somebody changes when there is something to do.
struct Doorbell {
  std::uint32_t* word;
  std::uint32_t value;  ///< sleep only while it still is that
};

/// What the collector's thread sleeps on: its own bell and the rings' doorbells.
///
/// Where the kernel cannot wait for several (before 5.16) and beyond 127 rings, a sleep is cut
/// short, to 5 ms.
///
/// Threads: ring() from any; the rest from the one that sleeps.
class Bell {
 public:
  /// Ends the sleep under way, or the next one if `value` was taken before this.
  void ring();

  /// What to pass to sleep(): taken before looking for work.
  [[nodiscard]] std::uint32_t value() const { return __atomic_load_n(&word_, __ATOMIC_ACQUIRE); }

  /// Sleeps until a bell rings or `timeout` has passed. Returns whether the time passed quietly.
  bool sleep(std::uint32_t value, std::span<const Doorbell> doorbells, Nanoseconds timeout);

 private:
  std::uint32_t word_ = 0;
};

}  // namespace sillage::collect
