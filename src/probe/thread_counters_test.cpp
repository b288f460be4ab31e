// SPDX-License-Identifier: MIT
#include "probe/thread_counters.hpp"

#include <gtest/gtest.h>

namespace sillage::probe {
namespace {

perf_event_mmap_page page_of(std::uint32_t index, std::int64_t offset, std::uint16_t width) {
  perf_event_mmap_page page{};
  page.cap_bit0_is_deprecated = 1;
  page.cap_user_rdpmc = 1;
  page.index = index;
  page.offset = offset;
  page.pmc_width = width;
  return page;
}

TEST(ThreadCounters, Page_OffsetAndRegister) {
  const perf_event_mmap_page page = page_of(3, 1000, 48);
  std::uint64_t value = 0;
  std::uint32_t asked = 99;
  const auto positive = [&asked](std::uint32_t number) {
    asked = number;
    return std::uint64_t{0xffff'0000'0000'0005};  // bits above the width are nobody's
  };
  ASSERT_TRUE(read_from_page(page, positive, &value));
  EXPECT_EQ(asked, 2u);
  EXPECT_EQ(value, 1005u);
  // The kernel starts a register below zero, so that it overflows after its period.
  const auto negative = [](std::uint32_t) { return std::uint64_t{0xffff'ffff'fff0}; };
  ASSERT_TRUE(read_from_page(page, negative, &value));
  EXPECT_EQ(value, 1000u - 16);
}

TEST(ThreadCounters, Page_ReadAgainIfItChangedMeanwhile) {
  perf_event_mmap_page page = page_of(1, 1000, 48);
  std::uint64_t value = 0;
  int reads = 0;
  const auto moved_once = [&](std::uint32_t) {
    if (++reads == 1) {  // what the kernel does when the thread comes back
      page.lock += 2;
      page.offset = 5000;
    }
    return std::uint64_t{7};
  };
  ASSERT_TRUE(read_from_page(page, moved_once, &value));
  EXPECT_EQ(reads, 2);
  EXPECT_EQ(value, 5007u);
}

TEST(ThreadCounters, Page_NoRegisterToBeRead) {
  const auto never = [](std::uint32_t) -> std::uint64_t {
    ADD_FAILURE() << "read what is not there";
    return 0;
  };
  std::uint64_t value = 0;
  EXPECT_FALSE(read_from_page(page_of(0, 1, 48), never, &value));  // not counting just now
  EXPECT_FALSE(read_from_page(page_of(1, 1, 0), never, &value));
  EXPECT_FALSE(read_from_page(page_of(1, 1, 65), never, &value));
  perf_event_mmap_page page = page_of(1, 1, 48);
  page.cap_user_rdpmc = 0;
  EXPECT_FALSE(read_from_page(page, never, &value));
  page = page_of(1, 1, 48);
  page.cap_bit0_is_deprecated = 0;
  EXPECT_FALSE(read_from_page(page, never, &value));
}

}  // namespace
}  // namespace sillage::probe
