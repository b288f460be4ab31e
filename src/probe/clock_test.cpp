// SPDX-License-Identifier: MIT
#include "probe/clock.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace sillage::probe {
namespace {
constexpr std::uint64_t kKernelTime = UINT64_C(1) << 62;
}

// Here the kernel's clock is far ahead of the page.
std::uint64_t monotonic_ns() { return kKernelTime; }

namespace {

TEST(Clock, NoSegmentBegins_IsTheKernels) {
  sillage_clock_page page = {};
  for (auto& segment : page.segment) segment.tsc_from = UINT64_MAX;
  EXPECT_EQ(now_ns(&page), kKernelTime);
}

#if defined(__x86_64__) || defined(__i386__)

// More threads than CPUs, so that each is often kept from running between the counter and the segments, while more of those
// are published than there is room for: what it then finds has not begun, but is no reason to go by the kernel's clock.
TEST(Clock, StoppedWhileSegmentsArePublished_IsThePages) {
  sillage_clock_page page = {};
  for (auto& segment : page.segment) segment = {read_tsc(), 0, UINT64_C(1) << 32, 0};
  std::atomic<bool> ends = false;
  std::vector<std::thread> readers;
  std::atomic<std::uint64_t> strayed = 0;
  std::atomic<std::uint64_t> back = 0;
  for (unsigned i = 0; i < 2 * std::max(std::thread::hardware_concurrency(), 2u); i++) {
    readers.emplace_back([&] {
      std::uint64_t last = 0;
      while (!ends.load(std::memory_order_relaxed)) {
        const std::uint64_t now = now_ns(&page);
        if (now == kKernelTime) {
          strayed++;
        } else {
          if (now < last) back++;
          last = now;
        }
      }
    });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
  while (std::chrono::steady_clock::now() < end) {
    const std::uint32_t number = page.current + 1;
    sillage_clock_segment& to = page.segment[number % SILLAGE_CLOCK_SEGMENTS];
    const sillage_clock_segment& from = page.segment[page.current % SILLAGE_CLOCK_SEGMENTS];
    const std::uint64_t ahead = read_tsc() + 100'000;
    __atomic_store_n(&to.ns_from, from.ns_from + (ahead - from.tsc_from), __ATOMIC_RELAXED);
    __atomic_store_n(&to.tsc_from, ahead, __ATOMIC_RELAXED);
    __atomic_store_n(&page.current, number, __ATOMIC_RELEASE);
    // The next only when this one has begun, as the keeper does; and not at once: a CPU may read the counter a moment before
    // what stands in front of it, `current`.
    while (read_tsc() < ahead + 50'000) {
    }
  }
  ends = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(strayed, 0u);
  EXPECT_EQ(back, 0u);
}

#endif

}  // namespace
}  // namespace sillage::probe
