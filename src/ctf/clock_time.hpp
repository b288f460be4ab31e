// SPDX-License-Identifier: MIT
// Cycles of a clock into nanoseconds from its origin.
#pragma once

#include "ctf/model.hpp"

#include <cstdint>
#include <limits>

namespace sillage::ctf {

/// Converts the cycles of one clock. Times that 64 bits cannot hold become the nearest that they
/// can.
///
/// Rounding is Babeltrace 2's, so that the same digits are printed: cycles of a clock that is not of
/// 1 GHz pass through a double.
class ClockTime {
 public:
  ClockTime() = default;
  /// `offset_ns` is added to the clock's own.
  explicit ClockTime(const ClockClass& clock, std::int64_t offset_ns = 0)
      : frequency_(clock.frequency_hz == 0 ? kSecond : clock.frequency_hz) {
    std::int64_t base = 0;
    if (__builtin_mul_overflow(clock.offset_seconds, std::int64_t{kSecond}, &base)) {
      base = clock.offset_seconds < 0 ? std::numeric_limits<std::int64_t>::min()
                                      : std::numeric_limits<std::int64_t>::max();
    }
    base_ns_ = add(add(base, duration_ns(clock.offset_cycles)), offset_ns);
  }

  /// The time of `cycles`, in nanoseconds from the clock's origin.
  [[nodiscard]] std::int64_t ns(std::uint64_t cycles) const {
    return add(base_ns_, duration_ns(cycles));
  }

 private:
  static constexpr std::uint64_t kSecond = 1'000'000'000;

  [[nodiscard]] static std::int64_t add(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) return sum;
    return b < 0 ? std::numeric_limits<std::int64_t>::min()
                 : std::numeric_limits<std::int64_t>::max();
  }
  [[nodiscard]] std::int64_t duration_ns(std::uint64_t cycles) const {
    constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
    if (frequency_ == kSecond) {
      return cycles > static_cast<std::uint64_t>(kMost) ? kMost : static_cast<std::int64_t>(cycles);
    }
    const double ns = 1e9 * static_cast<double>(cycles) / static_cast<double>(frequency_);
    return ns >= 9223372036854775807.0 ? kMost : static_cast<std::int64_t>(ns);
  }

  std::uint64_t frequency_ = kSecond;
  std::int64_t base_ns_ = 0;
};

}  // namespace sillage::ctf
