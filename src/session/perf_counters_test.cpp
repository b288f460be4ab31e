// SPDX-License-Identifier: MIT
#include "session/perf_counters.hpp"

#include <gtest/gtest.h>

#include <linux/perf_event.h>

namespace sillage::session {
namespace {

TEST(PerfCounters, Names_AsOnLttngsCommandLine) {
  const auto faults = parse_perf_counter("perf:cpu:page-faults", CountersOf::kCpus);
  ASSERT_TRUE(faults) << faults.error().message;
  EXPECT_EQ(faults->field, "perf_cpu_page_faults");
  EXPECT_EQ(faults->type, PERF_TYPE_SOFTWARE);
  EXPECT_EQ(faults->config, PERF_COUNT_SW_PAGE_FAULTS);

  const auto cache = parse_perf_counter("perf:cpu:L1-dcache-store-misses", CountersOf::kCpus);
  ASSERT_TRUE(cache) << cache.error().message;
  EXPECT_EQ(cache->field, "perf_cpu_L1_dcache_store_misses");
  EXPECT_EQ(cache->type, PERF_TYPE_HW_CACHE);
  EXPECT_EQ(cache->config, PERF_COUNT_HW_CACHE_L1D | PERF_COUNT_HW_CACHE_OP_WRITE << 8 |
                               PERF_COUNT_HW_CACHE_RESULT_MISS << 16);

  const auto raw = parse_perf_counter("perf:cpu:raw:r013c:unhalted-cycles", CountersOf::kCpus);
  ASSERT_TRUE(raw) << raw.error().message;
  EXPECT_EQ(raw->field, "perf_cpu_raw_r013c_unhalted_cycles");
  EXPECT_EQ(raw->type, PERF_TYPE_RAW);
  EXPECT_EQ(raw->config, 0x13cu);
}

TEST(PerfCounters, NamesOfThreads_AndTheOldOnes) {
  using Expected = PerfCounter;
  EXPECT_EQ(parse_perf_counter("perf:thread:faults", CountersOf::kThreads),
            (Expected{"perf_thread_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS}));
  EXPECT_EQ(parse_perf_counter("perf:thread:raw:r5:x-y", CountersOf::kThreads),
            (Expected{"perf_thread_raw_r5_x_y", PERF_TYPE_RAW, 5}));
  for (const CountersOf whose : {CountersOf::kCpus, CountersOf::kThreads})
    EXPECT_EQ(parse_perf_counter("perf:cs", whose),
              (Expected{"perf_cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES}));
}

TEST(PerfCounters, Others_SayWhatToWrite) {
  for (const char* text :
       {"perf:", "perf:cpu:", "perf:cpu:raw:", "perf:cpu:raw:r", "perf:cpu:raw:rzz:name",
        "perf:cpu:raw:r1", "perf:cpu:raw:r1:", "perf:cpu:raw:r1:a b", "perf:cpu:LLC-",
        "perf:cpu:LLC-loadsmisses", "perf:disk:faults", "perf:cpu:cpu:faults"}) {
    EXPECT_TRUE(is_perf_counter(text));
    EXPECT_FALSE(parse_perf_counter(text, CountersOf::kCpus)) << text;
    EXPECT_FALSE(parse_perf_counter(text, CountersOf::kThreads)) << text;
  }
  const auto says = [](const char* text, CountersOf whose, const char* what) {
    return parse_perf_counter(text, whose).error().message.find(what) != std::string::npos;
  };
  EXPECT_TRUE(says("perf:thread:cs", CountersOf::kCpus, "use perf:cpu:cs"));
  EXPECT_TRUE(says("perf:cpu:cs", CountersOf::kThreads, "use perf:thread:cs"));
  EXPECT_TRUE(says("perf:thread:", CountersOf::kThreads, "write perf:thread:NAME"));
  EXPECT_FALSE(is_perf_counter("procname"));
}

TEST(PerfCounters, All_CanBeAskedFor) {
  const auto all = perf_counter_contexts(CountersOf::kThreads);
  EXPECT_EQ(all.size(), 54u);  // LTTng's 53 and page-faults
  for (const std::string& context : all)
    EXPECT_TRUE(parse_perf_counter(context, CountersOf::kThreads)) << context;
  EXPECT_EQ(all.front(), "perf:thread:cpu-cycles");
  EXPECT_EQ(perf_counter_contexts(CountersOf::kCpus).back(), "perf:cpu:emulation-faults");
}

TEST(PerfCounters, ContextsOfFields_AsTheyWereWritten) {
  for (const char* text : {"perf:cpu:cycles", "perf:cpu:cpu-cycles", "perf:thread:faults",
                           "perf:thread:page-fault", "perf:cs", "perf:thread:branch-load-misses",
                           "perf:thread:raw:r00a8:my_own", "perf:cpu:raw:rA8:x"}) {
    const auto whose = std::string_view(text).starts_with("perf:thread") ? CountersOf::kThreads
                                                                         : CountersOf::kCpus;
    const auto counter = parse_perf_counter(text, whose);
    ASSERT_TRUE(counter) << counter.error().message;
    EXPECT_EQ(context_of_counter(counter->field, counter->type, counter->config), text);
  }
  EXPECT_EQ(context_of_counter("perf_thread_anything", PERF_TYPE_SOFTWARE, 3),
            "perf:thread:context-switches");
  EXPECT_FALSE(context_of_counter("perf_thread_x", 9, 9));
  for (const char* field : {"perf_thread_raw_r1_x", "perf_thread_raw_r5_", "perf_thread_raw_r5",
                            "perf_thread_raw_", "mine", ""})
    EXPECT_FALSE(context_of_counter(field, PERF_TYPE_RAW, 5)) << field;
}

}  // namespace
}  // namespace sillage::session
