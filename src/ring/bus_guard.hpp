// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <utility>

namespace sillage::ring {

/// Keeps this process alive when a file that it has mapped is made shorter by another one: a touch of what is not there any
/// more (SIGBUS) finds zeros instead, in private memory that takes the whole mapping's place.
///
/// Whoever reads the mapping asks is_hit() behind each reading, before it believes anything. What other parts of the process
/// do with SIGBUS stays as it was: of addresses that nobody watches the signal goes to whoever had it before, or ends the
/// process.
///
/// Lifetime: end it before the mapping. Watching is process-wide, as signals are; threads that touch the mapping must
///           not block SIGBUS.
/// Threads:  any.
/// Cost:     nothing while nobody makes a file shorter; the signal looks through all that is watched.
class BusGuard {
 public:
  BusGuard() = default;
  /// Errors: those of sigaction().
  [[nodiscard]] static Result<BusGuard> watch(const void* begin, std::size_t bytes);
  BusGuard(BusGuard&& other) noexcept : range_(std::exchange(other.range_, nullptr)) {}
  BusGuard& operator=(BusGuard&& other) noexcept;
  ~BusGuard();

  /// Whether the mapping has been replaced; never again false.
  [[nodiscard]] bool is_hit() const;

 private:
  struct Range;
  struct Watch;  // what the signal does
  explicit BusGuard(Range* range) : range_(range) {}
  Range* range_ = nullptr;
};

}  // namespace sillage::ring
