// SPDX-License-Identifier: MIT
// Cycles of a clock into nanoseconds from its origin.
#pragma once

#include "ctf/model.hpp"

#include <cstdint>
#include <limits>

namespace sillage::ctf {

/// Where a clock starts: seconds and, behind them, less than a second of cycles.
struct ClockOffset {
  std::int64_t seconds = 0;
  std::uint64_t cycles = 0;
};

/// The offset of a clock with nanoseconds added, which must fit.
///
/// Rounding is Babeltrace 2's: what is less than a second becomes whole cycles of the clock, so a
/// clock of 1 kHz cannot be shifted by a nanosecond, and -1 ns is -1 s and 999 cycles.
[[nodiscard]] inline ClockOffset shifted_offset(const ClockClass& clock, std::int64_t offset_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::int64_t seconds = offset_ns / kSecond, ns = offset_ns % kSecond;
  if (ns < 0) {
    --seconds;
    ns += kSecond;
  }
  // Below 2^64: both are less than a second of at most 2^64 Hz.
  std::uint64_t cycles =
      clock.offset_cycles +
      (clock.frequency_hz == std::uint64_t{kSecond}
           ? static_cast<std::uint64_t>(ns)
           : static_cast<std::uint64_t>(static_cast<double>(ns) *
                                        static_cast<double>(clock.frequency_hz) / 1e9));
  if (offset_ns != 0 && cycles >= clock.frequency_hz && clock.frequency_hz != 0) {
    cycles -= clock.frequency_hz;
    ++seconds;
  }
  std::int64_t sum = 0;
  if (__builtin_add_overflow(clock.offset_seconds, seconds, &sum)) {
    sum = seconds < 0 ? std::numeric_limits<std::int64_t>::min()
                      : std::numeric_limits<std::int64_t>::max();
  }
  return {.seconds = sum, .cycles = cycles};
}

/// Converts the cycles of one clock. Times that 64 bits cannot hold become the nearest that they
/// can.
///
/// Rounding is Babeltrace 2's, so that the same digits are printed: cycles of a clock that is not of
/// 1 GHz pass through a double.
class ClockTime {
 public:
  ClockTime() = default;
  /// `offset_ns` is added to the clock's own, see shifted_offset().
  explicit ClockTime(const ClockClass& clock, std::int64_t offset_ns = 0)
      : frequency_(clock.frequency_hz == 0 ? kSecond : clock.frequency_hz) {
    const ClockOffset offset = shifted_offset(clock, offset_ns);
    std::int64_t base = 0;
    if (__builtin_mul_overflow(offset.seconds, std::int64_t{kSecond}, &base)) {
      base = offset.seconds < 0 ? std::numeric_limits<std::int64_t>::min()
                                : std::numeric_limits<std::int64_t>::max();
    }
    base_ns_ = add(base, duration_ns(offset.cycles));
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
