// SPDX-License-Identifier: MIT
#include "sillage/summary.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sillage::command {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Summary, Text_LossByCause) {
  control::v1::StopRecordingResponse summary;
  summary.set_path("/tmp/a b");
  summary.set_duration_ns(1'500'000'000);
  summary.mutable_stats()->set_events(1234567);
  summary.mutable_stats()->mutable_lost()->set_full(10);
  summary.mutable_stats()->mutable_lost()->set_disk(3);
  summary.mutable_stats()->mutable_lost()->set_nested(7);
  const std::string text = summary_text(summary);
  EXPECT_THAT(text, HasSubstr("1,234,567"));
  EXPECT_THAT(text, HasSubstr("events lost      20\n"));
  EXPECT_THAT(text, HasSubstr("10  no room in the buffers"));
  EXPECT_THAT(text, HasSubstr("7  in the kernel, while"));
  EXPECT_THAT(text, HasSubstr("3  the output had no room"));
  EXPECT_THAT(text, Not(HasSubstr("overwritten")));
  EXPECT_THAT(text, HasSubstr("Next: sillage read '/tmp/a b'\n"));
}

TEST(Summary, EmptyTrace_NextCommandIsNotOffered) {
  EXPECT_THAT(summary_text({}), Not(HasSubstr("babeltrace2")));
}

TEST(Summary, WhyEmpty_EveryReason) {
  control::v1::StopRecordingResponse summary;
  EXPECT_THAT(why_empty(summary, "", 0), HasSubstr("no program with tracepoints ran"));
  EXPECT_THAT(why_empty(summary, "", 2), HasSubstr("-p"));
  EXPECT_THAT(why_empty(summary, "/bin/sh", 0),
              HasSubstr("neither /bin/sh nor a program it started"));
  control::v1::Coverage* coverage = summary.mutable_coverage();
  coverage->set_other_programs(2);
  coverage->set_refused_programs(1);
  coverage->set_last_refusal("for a reason");
  EXPECT_THAT(why_empty(summary, "", 0), HasSubstr("2 other program(s)"));
  EXPECT_THAT(why_empty(summary, "", 0), HasSubstr("for a reason"));
  coverage->set_programs(1);
  coverage->set_events_seen(4);
  auto* hint = coverage->add_patterns();
  hint->set_pattern("app:strat");
  hint->add_nearest("app:start");
  coverage->add_below_level("app:a");
  coverage->add_excluded("app:b");
  coverage->set_events_matched(1);
  const std::string text = why_empty(summary, "", 0);
  EXPECT_THAT(text, HasSubstr("no event matches \"app:strat\"; did you mean app:start?"));
  EXPECT_THAT(text, HasSubstr("--level-only: app:a"));
  EXPECT_THAT(text, HasSubstr("-x: app:b"));
  EXPECT_THAT(text, HasSubstr("1 event(s) matched"));
}

TEST(Summary, Filters_SayWhatTheyRejectedAndCannotMatch) {
  control::v1::StopRecordingResponse summary;
  summary.mutable_coverage()->set_programs(1);
  summary.mutable_coverage()->set_events_matched(2);
  summary.mutable_stats()->set_rejected(1234);
  control::v1::FilterProblem* problem = summary.mutable_coverage()->add_filter_problems();
  problem->set_filter("size > 4096");
  problem->set_event("kv:start");
  problem->set_program("server");
  problem->set_reason("no field size");
  EXPECT_THAT(summary_text(summary), HasSubstr("events rejected  1,234\n"));
  EXPECT_THAT(summary_text(summary),
              HasSubstr("\"size > 4096\" does not apply to kv:start of server: no field size\n"));
  EXPECT_THAT(why_empty(summary, "", 0), HasSubstr("--filter was true of none of 1,234 event(s)"));
  EXPECT_THAT(why_empty(summary, "", 0), Not(HasSubstr("never came to one of them")));
  EXPECT_THAT(summary_text({}), Not(HasSubstr("rejected")));
}

TEST(Summary, LiveLine_OneLine) {
  control::v1::Stats stats;
  stats.set_events(900);
  stats.set_pending(100);
  stats.set_bytes(2048);
  stats.mutable_lost()->set_overrun(5);
  EXPECT_EQ(live_line(stats, 500), "1,000 events  500/s  5 lost  2.0 KiB");
  stats.set_output_failing(true);
  stats.set_output_error("disk full");
  EXPECT_THAT(live_line(stats, 0), HasSubstr("OUTPUT FAILS: disk full"));
}

}  // namespace
}  // namespace sillage::command
