// SPDX-License-Identifier: MIT
#include "session/channel_settings.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

TEST(ChannelSettings, LeftOutOptions_AreLttngsDefaults) {
  struct Case {
    Domain domain;
    std::optional<BufferOwnership> ownership;
    std::uint64_t bytes, read_timer_us;
  } const cases[] = {{Domain::kUser, {}, 512 << 10, 0},
                     {Domain::kUser, BufferOwnership::kUser, 512 << 10, 0},
                     {Domain::kUser, BufferOwnership::kProcess, 16 << 10, 0},
                     {Domain::kKernel, {}, 1 << 20, 200'000}};
  for (const Case& each : cases) {
    const auto settings = settle({.ownership = each.ownership}, each.domain, OutputMode::kLocal);
    ASSERT_TRUE(settings) << settings.error().message;
    EXPECT_EQ(settings->name, "channel0");
    EXPECT_EQ(settings->subbuf_bytes.value, each.bytes);
    EXPECT_EQ(settings->subbuf_count, 4u);
    EXPECT_EQ(settings->read_timer.value, each.read_timer_us * 1000);
    EXPECT_EQ(settings->monitor_timer.value, 1'000'000'000u);
    EXPECT_EQ(settings->switch_timer.value + settings->blocking_timeout.value, 0u);
    EXPECT_FALSE(settings->overwrite);
  }
}

TEST(ChannelSettings, SnapshotSession_Overwrites) {
  EXPECT_TRUE(settle({}, Domain::kUser, OutputMode::kSnapshot)->overwrite);
  EXPECT_TRUE(settle({}, Domain::kKernel, OutputMode::kSnapshot)->overwrite);
  EXPECT_FALSE(settle({.overwrite = false}, Domain::kUser, OutputMode::kSnapshot)->overwrite);
}

TEST(ChannelSettings, Sizes_AreRoundedUp) {
  struct Case {
    std::uint64_t bytes, count, expected_bytes, expected_count;
  } const cases[] = {
      {1, 1, 4096, 1}, {4096, 2, 4096, 2}, {4097, 3, 8192, 4}, {100000, 5, 131072, 8}};
  for (const Case& each : cases) {
    const auto settings =
        settle({.subbuf_bytes = ByteCount{each.bytes}, .subbuf_count = each.count}, Domain::kUser,
               OutputMode::kLocal);
    ASSERT_TRUE(settings);
    EXPECT_EQ(settings->subbuf_bytes.value, each.expected_bytes);
    EXPECT_EQ(settings->subbuf_count, each.expected_count);
  }
  // A file holds at least a packet.
  EXPECT_EQ(settle({.tracefile_bytes = ByteCount{1}}, Domain::kUser, OutputMode::kLocal)
                ->tracefile_bytes.value,
            512u << 10);
}

TEST(ChannelSettings, WhatCannotBe_IsRefused) {
  const auto refuses = [](const ChannelRequest& request, Domain domain) {
    const auto settings = settle(request, domain, OutputMode::kLocal);
    return !settings && settings.error().code == Code::kInvalidArgument;
  };
  for (const Domain domain : {Domain::kUser, Domain::kKernel}) {
    for (const char* name : {"", ".", "..", ".x", "a/b"})
      EXPECT_TRUE(refuses({.name = name}, domain)) << name;
    EXPECT_TRUE(refuses({.name = std::string(224, 'x')}, domain));
    EXPECT_TRUE(refuses({.subbuf_bytes = ByteCount{0}}, domain));
    EXPECT_TRUE(refuses({.subbuf_bytes = ByteCount{(1ull << 31) + 1}}, domain));
    EXPECT_TRUE(refuses({.subbuf_count = 0}, domain));
    EXPECT_TRUE(refuses({.subbuf_count = 65537}, domain));
    EXPECT_TRUE(refuses({.tracefile_count = 2}, domain));
    EXPECT_TRUE(refuses({.overwrite = true, .subbuf_count = 1}, domain));
  }
  EXPECT_TRUE(refuses({.overwrite = true, .blocking_timeout = kForEver}, Domain::kUser));
  EXPECT_TRUE(refuses({.blocking_timeout = kForEver}, Domain::kKernel));
  EXPECT_TRUE(refuses({.watchdog_timer = Nanoseconds{1}}, Domain::kKernel));
  EXPECT_TRUE(refuses({.ownership = BufferOwnership::kUser}, Domain::kKernel));
  EXPECT_TRUE(refuses({.allocation = BufferAllocation::kPerChannel}, Domain::kKernel));
  EXPECT_TRUE(refuses({.preallocation = BufferPreallocation::kOnDemand}, Domain::kKernel));
  EXPECT_TRUE(refuses({.reclaim_age = Nanoseconds{}}, Domain::kKernel));
  EXPECT_TRUE(refuses({.overwrite = true, .reclaim_age = Nanoseconds{}}, Domain::kUser));
  EXPECT_TRUE(refuses({.is_mapped = false}, Domain::kUser));
}

TEST(ChannelSettings, C10_OutputTypeIsAsAskedForOrLttngs) {
  EXPECT_FALSE(settle({}, Domain::kKernel, OutputMode::kLocal)->is_mapped);
  EXPECT_TRUE(settle({.is_mapped = true}, Domain::kKernel, OutputMode::kLocal)->is_mapped);
  EXPECT_TRUE(settle({.is_mapped = false}, Domain::kKernel, OutputMode::kSnapshot)->is_mapped);
  EXPECT_TRUE(settle({}, Domain::kUser, OutputMode::kLocal)->is_mapped);
}

}  // namespace
}  // namespace sillage::session
