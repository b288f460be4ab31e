// SPDX-License-Identifier: MIT
#include "kernel/perf_counters.hpp"

#include <gtest/gtest.h>

#include <linux/perf_event.h>

namespace sillage::kernel {
namespace {

TEST(PerfCounters, Names_AsOnLttngsCommandLine) {
  const auto faults = parse_perf_counter("perf:cpu:page-faults");
  ASSERT_TRUE(faults) << faults.error().message;
  EXPECT_EQ(faults->field, "perf_cpu_page_faults");
  EXPECT_EQ(faults->type, PERF_TYPE_SOFTWARE);
  EXPECT_EQ(faults->config, PERF_COUNT_SW_PAGE_FAULTS);

  const auto cache = parse_perf_counter("perf:cpu:L1-dcache-store-misses");
  ASSERT_TRUE(cache) << cache.error().message;
  EXPECT_EQ(cache->field, "perf_cpu_L1_dcache_store_misses");
  EXPECT_EQ(cache->type, PERF_TYPE_HW_CACHE);
  EXPECT_EQ(cache->config, PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_WRITE << 8 |
                               PERF_COUNT_HW_CACHE_RESULT_MISS << 16);

  const auto raw = parse_perf_counter("perf:cpu:raw:r013c:unhalted-cycles");
  ASSERT_TRUE(raw) << raw.error().message;
  EXPECT_EQ(raw->field, "perf_cpu_raw_r013c_unhalted_cycles");
  EXPECT_EQ(raw->type, PERF_TYPE_RAW);
  EXPECT_EQ(raw->config, 0x13cu);
}

TEST(PerfCounters, Others_SayWhatToWrite) {
  for (const char* text : {"perf:", "perf:page-faults", "perf:cpu:", "perf:cpu:raw:",
                           "perf:cpu:raw:r", "perf:cpu:raw:rzz:name", "perf:cpu:raw:r1",
                           "perf:cpu:raw:r1:", "perf:cpu:LLC-", "perf:cpu:LLC-loadsmisses"}) {
    EXPECT_TRUE(is_perf_counter(text));
    EXPECT_FALSE(parse_perf_counter(text)) << text;
  }
  EXPECT_NE(parse_perf_counter("perf:thread:cs").error().message.find("use perf:cpu:cs"),
            std::string::npos);
  EXPECT_FALSE(is_perf_counter("procname"));
}

}  // namespace
}  // namespace sillage::kernel
