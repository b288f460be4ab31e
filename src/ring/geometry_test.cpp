// SPDX-License-Identifier: MIT
#include "ring/geometry.hpp"

#include <gtest/gtest.h>

namespace sillage::ring {
namespace {

TEST(RingGeometry, OddSizes_AreRoundedUpAsLttngDoes) {
  RingOptions options;
  options.subbuf_bytes = ByteCount{5000};
  options.subbuf_count = 3;
  const auto geometry = RingGeometry::make(options, 2);
  ASSERT_TRUE(geometry);
  EXPECT_EQ(geometry->subbuf_bytes, 8192u);
  EXPECT_EQ(geometry->subbuf_count, 4u);
  EXPECT_EQ(geometry->stream_count, 4u);
}

TEST(RingGeometry, OneForAllCpus_HasAsManyStreamsOnAnyMachine) {
  RingOptions options;
  options.one_for_all = true;
  for (const std::uint32_t cpus : {1u, 2u, 128u}) {
    const auto geometry = RingGeometry::make(options, cpus);
    ASSERT_TRUE(geometry);
    EXPECT_EQ(geometry->index_count, 0u);
    EXPECT_EQ(geometry->stream_count, SILLAGE_RING_SHARED_STREAMS);
  }
}

TEST(RingGeometry, SmallestSizes_AreAPageAndTwo) {
  RingOptions options;
  options.subbuf_bytes = ByteCount{1};
  options.subbuf_count = 1;
  const auto geometry = RingGeometry::make(options, 1);
  ASSERT_TRUE(geometry);
  EXPECT_EQ(geometry->subbuf_bytes, 4096u);
  EXPECT_EQ(geometry->subbuf_count, 2u);
}

TEST(RingGeometry, AreasDoNotOverlapAndAreAligned) {
  RingOptions options;
  options.subbuf_count = 32;
  const auto g = RingGeometry::make(options, 3);
  ASSERT_TRUE(g);
  EXPECT_GE(g->streams_offset, sizeof(sillage_ring_header));
  EXPECT_EQ(g->streams_offset % 128, 0u);
  EXPECT_EQ(g->stream_stride % 128, 0u);
  EXPECT_GE(g->stream_stride, sizeof(sillage_ring_stream) + 32 * sizeof(sillage_ring_entry));
  EXPECT_GE(g->data_offset, g->streams_offset + 6 * g->stream_stride);
  EXPECT_EQ(g->data_offset % 4096, 0u);
  EXPECT_EQ(g->data_stride, 32 * g->subbuf_bytes + SILLAGE_RING_SLACK);
  EXPECT_EQ(g->total_bytes, g->data_offset + 6 * g->data_stride);
}

TEST(RingGeometry, SizesBeyondTheLimits_AreRefusedWithTheNumber) {
  RingOptions options;
  options.subbuf_bytes = ByteCount{SILLAGE_RING_MAX_SUBBUF_BYTES + 1};
  auto made = RingGeometry::make(options, 1);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kInvalidArgument);
  EXPECT_NE(made.error().message.find("33554433"), std::string::npos) << made.error().message;

  options.subbuf_bytes = ByteCount{UINT64_MAX};
  EXPECT_FALSE(RingGeometry::make(options, 1));
  options.subbuf_bytes = ByteCount{SILLAGE_RING_MAX_SUBBUF_BYTES};
  options.subbuf_count = 16384;
  EXPECT_FALSE(RingGeometry::make(options, 1));
  options.subbuf_count = UINT32_MAX;
  EXPECT_FALSE(RingGeometry::make(options, 1));
  options.subbuf_count = 8192;
  EXPECT_TRUE(RingGeometry::make(options, 1));
  EXPECT_FALSE(RingGeometry::make(options, 0));
}

TEST(CpuList, End_IsOneBehindTheHighest) {
  EXPECT_EQ(parse_cpu_list_end("0\n"), 1u);
  EXPECT_EQ(parse_cpu_list_end("0-1\n"), 2u);
  EXPECT_EQ(parse_cpu_list_end("0,2-5,127\n"), 128u);
}

TEST(CpuList, WhatIsNone_GivesZero) {
  EXPECT_EQ(parse_cpu_list_end(""), 0u);
  EXPECT_EQ(parse_cpu_list_end("\n"), 0u);
  EXPECT_EQ(parse_cpu_list_end("-1"), 0u);
  EXPECT_EQ(parse_cpu_list_end("all"), 0u);
  EXPECT_EQ(parse_cpu_list_end("99999999999999999999"), 0u);
}

TEST(CpuList, ThisMachine_HasOne) {
  const auto count = possible_cpu_count();
  ASSERT_TRUE(count) << count.error().text();
  EXPECT_GE(*count, 1u);
}

}  // namespace
}  // namespace sillage::ring
