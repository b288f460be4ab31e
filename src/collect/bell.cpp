// SPDX-License-Identifier: MIT
#include "collect/bell.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace sillage::collect {
namespace {

// linux/futex.h of older systems has neither; the numbers are the kernel's (commit bf69bad38cf6,
// Linux 5.16).
constexpr long kSysFutexWaitv = 449;
constexpr std::uint32_t kFutex32 = 2;
struct Waiter {
  std::uint64_t value, address;
  std::uint32_t flags, reserved;
};
constexpr std::size_t kMaxWaiters = 128;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kBlindSleepNs = 5'000'000;

Waiter waiter(std::uint32_t* word, std::uint32_t value, std::uint32_t flags) {
  return {value, reinterpret_cast<std::uintptr_t>(word), flags, 0};
}

timespec duration(std::uint64_t ns) {
  return {static_cast<time_t>(ns / kSecond), static_cast<long>(ns % kSecond)};
}

}  // namespace

void Bell::ring() {
  __atomic_fetch_add(&word_, 1u, __ATOMIC_RELEASE);
  ::syscall(SYS_futex, &word_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

bool Bell::sleep(std::uint32_t value, std::span<const Doorbell> doorbells, Nanoseconds timeout) {
  std::array<Waiter, kMaxWaiters> waiters;
  waiters[0] = waiter(&word_, value, kFutex32 | FUTEX_PRIVATE_FLAG);
  const std::size_t heard = std::min(doorbells.size(), kMaxWaiters - 1);
  for (std::size_t i = 0; i < heard; ++i)
    waiters[i + 1] = waiter(doorbells[i].word, doorbells[i].value, kFutex32);
  std::uint64_t ns = timeout.value;
  if (heard < doorbells.size()) ns = std::min(ns, kBlindSleepNs);

  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const timespec until = duration(static_cast<std::uint64_t>(now.tv_sec) * kSecond +
                                  static_cast<std::uint64_t>(now.tv_nsec) + ns);
  if (::syscall(kSysFutexWaitv, waiters.data(), heard + 1, 0, &until, CLOCK_MONOTONIC) >= 0)
    return false;
  if (errno == ETIMEDOUT) return true;
  if (errno == EAGAIN || errno == EINTR) return false;
  // No such call here (old kernels, some sandboxes).
  const timespec blind = duration(std::min(ns, kBlindSleepNs));
  if (::syscall(SYS_futex, &word_, FUTEX_WAIT_PRIVATE, value, &blind, nullptr, 0) == 0)
    return false;
  return errno == ETIMEDOUT;
}

}  // namespace sillage::collect
