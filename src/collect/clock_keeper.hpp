// SPDX-License-Identifier: MIT
#pragma once

#include "abi/clock.h"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace sillage::collect {

/// Realtime minus CLOCK_MONOTONIC now, in nanoseconds: the clock offset of a trace's metadata.
[[nodiscard]] std::int64_t sample_realtime_offset_ns();

/// The nanoseconds of a clock page at a TSC value: the writers' conversion.
[[nodiscard]] std::uint64_t convert_tsc(const sillage_clock_page& page, std::uint64_t tsc);

struct ClockOptions {
  bool allow_tsc = true;      ///< false: CLOCK_MONOTONIC whatever the kernel says
  bool keep_steering = true;  ///< false: no thread; the caller calls `steer()` (tests)
  /// Where the kernel names its clock source.
  std::string clocksource_path = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
};

/// Owns the clock page of one collector and keeps its time within a microsecond of CLOCK_MONOTONIC.
///
/// Writers turn the TSC into nanoseconds by this page, without asking anyone. Every second the
/// keeper compares and publishes, a millisecond ahead, a line that meets CLOCK_MONOTONIC one second
/// later. Time is continuous and never goes back; it jumps forward only where the kernel's did (a
/// suspended machine whose TSC stood still). Where the kernel does not trust the TSC (or this is no
/// x86), and from the moment it stops trusting it, the page says CLOCK_MONOTONIC.
///
/// Lifetime: create() starts a thread, the destructor ends it. Programs may keep the page mapped:
///           without a keeper it drifts by the last error of the slope and by what NTP changes
///           afterwards.
/// Threads:  now(), fd(), uses_tsc() from any; steer() from one.
/// Source:   src/abi/clock.h.
class ClockKeeper {
 public:
  /// Makes the page and calibrates it; takes some 10 ms.
  ///
  /// Errors: those of memfd_create and mmap.
  [[nodiscard]] static Result<std::unique_ptr<ClockKeeper>> create(
      const ClockOptions& options = {});
  /// Goes on with the page of a keeper that has died: time in programs that have it mapped goes on, too.
  ///
  /// Errors: kCorrupt  it is no clock page.
  [[nodiscard]] static Result<std::unique_ptr<ClockKeeper>> adopt(Fd page,
                                                                  const ClockOptions& options = {});
  ~ClockKeeper();
  ClockKeeper(const ClockKeeper&) = delete;
  ClockKeeper& operator=(const ClockKeeper&) = delete;

  /// A descriptor of the page to hand to programs: they cannot map it writable, nor open it so unless they are this user's.
  [[nodiscard]] int fd() const { return shown_.value(); }
  /// What adopt() needs; nothing for programs.
  [[nodiscard]] int own_fd() const { return fd_.value(); }

  /// The time, by the same conversion as the writers'.
  [[nodiscard]] Nanoseconds now() const;

  /// Whether writers use the TSC at present.
  [[nodiscard]] bool uses_tsc() const;

  /// Compares with CLOCK_MONOTONIC and publishes the next line, which begins `lead` from now and
  /// meets the kernel's time `within` later, or as much later as the last look was ago, if that is more. Returns the error found: ours minus the kernel's, in
  /// nanoseconds; 0 without TSC.
  std::int64_t steer(Nanoseconds lead, Nanoseconds within);

 private:
  /// The TSC and CLOCK_MONOTONIC at the same instant, as closely as it can be had.
  struct Sample {
    std::uint64_t tsc, ns;
  };

  ClockKeeper(Fd fd, sillage_clock_page* page, ClockOptions options);
  [[nodiscard]] static Result<std::unique_ptr<ClockKeeper>> map(Fd memory,
                                                                const ClockOptions& options);
  void begin_steering();
  [[nodiscard]] static Sample take_sample();
  [[nodiscard]] bool kernel_trusts_tsc() const;
  void calibrate();
  void give_up_tsc();
  void publish(const sillage_clock_segment& segment);
  void run();

  Fd fd_, shown_;
  sillage_clock_page* page_;
  const ClockOptions options_;
  Sample before_{};  // the slope is measured from here

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace sillage::collect
