// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "abi/clock.h"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"

namespace sillage::collect {

/// Realtime minus CLOCK_MONOTONIC now, in nanoseconds: the clock offset of a trace's metadata.
[[nodiscard]] std::int64_t sample_realtime_offset_ns();

/// Owns the clock page of one collector and keeps its time within a microsecond of CLOCK_MONOTONIC.
///
/// Writers turn the TSC into nanoseconds by this page, without asking anyone. Every second the keeper compares,
/// and publishes half a second ahead a line that meets CLOCK_MONOTONIC one second later; time is continuous
/// and never goes back. Where the kernel does not trust the TSC (or this is no x86), and from the moment it stops
/// trusting it, the page says CLOCK_MONOTONIC.
///
/// Lifetime: create() starts a thread, the destructor ends it. Programs may keep the page mapped: without a keeper
///           it drifts by the last error of the slope, some 10 ns a second, and by what NTP changes afterwards.
/// Threads:  any.
/// Source:   src/abi/clock.h.
class ClockKeeper {
 public:
  struct Options {
    bool allow_tsc = true;     ///< false: CLOCK_MONOTONIC whatever the kernel says
    bool keep_steering = true; ///< false: no thread; the caller calls `steer()` (tests)
    /// Where the kernel names its clock source.
    const char* clocksource_path =
        "/sys/devices/system/clocksource/clocksource0/current_clocksource";
  };

  /// Makes the page and calibrates it; takes some 10 ms.
  ///
  /// Errors: those of memfd_create and mmap.
  [[nodiscard]] static Result<std::unique_ptr<ClockKeeper>> create(const Options& options);
  [[nodiscard]] static Result<std::unique_ptr<ClockKeeper>> create() { return create(Options{}); }
  ~ClockKeeper();
  ClockKeeper(const ClockKeeper&) = delete;
  ClockKeeper& operator=(const ClockKeeper&) = delete;

  /// The sealed descriptor of the page, to hand to programs: they cannot map it writable.
  [[nodiscard]] int fd() const { return fd_.value(); }

  /// The time, by the same conversion as the writers'.
  [[nodiscard]] Nanoseconds now() const;

  /// Whether writers use the TSC at present.
  [[nodiscard]] bool uses_tsc() const;

  /// Compares with CLOCK_MONOTONIC and publishes the next line, `lead` ahead. Returns the error found, ours minus
  /// the kernel's, in nanoseconds. Called by the keeper's thread; by tests if there is none.
  std::int64_t steer(Nanoseconds lead, Nanoseconds correct_within);

 private:
  struct Sample {
    std::uint64_t tsc, ns;
  };

  ClockKeeper(Fd fd, sillage_clock_page* page, const Options& options);
  [[nodiscard]] static Sample sample();
  [[nodiscard]] bool kernel_trusts_tsc() const;
  void calibrate();
  void run();

  Fd fd_;
  sillage_clock_page* page_;
  Options options_;
  Sample base_{};  // where the measurement of the kernel's slope begins
  double kernel_slope_ = 0;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sillage::collect
