// SPDX-License-Identifier: MIT
// A lock that fork children may reset, and that a preloaded wrapper of pthread_mutex_lock() does not see.
#pragma once

#include "ust/kernel_call.hpp"

#include <time.h>

#include <cstdint>

namespace sillage::ust {

/// Guards what registration changes; events never take it.
///
/// Waiters sleep: what is done under it may wait for a collector.
class TryLock {
 public:
  [[nodiscard]] bool try_take() {
    std::uint32_t free = 0;
    return __atomic_compare_exchange_n(&word_, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
  }
  void take() {
    while (!try_take()) {
      timespec pause = {0, 100'000};
      kernel_call(SYS_nanosleep, &pause, nullptr);
    }
  }
  /// Also in a fork child, where whoever held it does not exist.
  void release() { __atomic_store_n(&word_, 0, __ATOMIC_RELEASE); }

 private:
  std::uint32_t word_ = 0;
};

/// Holds a TryLock while it lives.
class Held {
 public:
  explicit Held(TryLock& lock) : lock_(lock) { lock_.take(); }
  ~Held() { lock_.release(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

 private:
  TryLock& lock_;
};

}  // namespace sillage::ust
