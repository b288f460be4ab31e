// SPDX-License-Identifier: MIT
#include "sillaged/coverage.hpp"

#include <gtest/gtest.h>

namespace sillage::daemon {
namespace {

session::Channel channel_for(const std::string& pattern) {
  auto channel = session::Channel::create({}).value();
  EXPECT_TRUE(channel.add_rule({.pattern = pattern}));
  return channel;
}

TEST(Coverage, CountsEachOnce) {
  Coverage coverage;
  coverage.add_program(1, true);
  coverage.add_program(1, true);
  coverage.add_program(2, false);
  auto channel = channel_for("app:*");
  for (int i = 0; i < 3; ++i) coverage.add_event(channel, "app:start", session::Verdict::kRecorded);
  coverage.add_event(channel, "lib:x", session::Verdict::kNoRule);
  control::v1::Coverage message;
  coverage.fill({channel}, &message);
  EXPECT_EQ(message.programs(), 1u);
  EXPECT_EQ(message.other_programs(), 1u);
  EXPECT_EQ(message.events_seen(), 2u);
  EXPECT_EQ(message.events_matched(), 1u);
  EXPECT_EQ(message.patterns_size(), 0);
}

TEST(Coverage, Sites_CountProgramsOnce) {
  Coverage coverage;
  for (const std::uint32_t program : {1, 2, 1}) coverage.add_site(program, "app:start", 6);
  coverage.add_site(3, "app:stop", 14);
  control::v1::WhyEmptyResponse message;
  coverage.fill(&message);
  ASSERT_EQ(message.events_size(), 2);
  EXPECT_EQ(message.events(0).name(), "app:start");
  EXPECT_EQ(message.events(0).log_level(), 6u);
  EXPECT_EQ(message.events(0).programs(), 2u);
  EXPECT_EQ(message.events(1).programs(), 1u);
}

TEST(Coverage, PatternThatMatchedNothing_GetsSuggestions) {
  Coverage coverage;
  auto channel = channel_for("app:strat");
  coverage.add_event(channel, "app:start", session::Verdict::kNoRule);
  control::v1::Coverage message;
  coverage.fill({channel}, &message);
  ASSERT_EQ(message.patterns_size(), 1);
  ASSERT_EQ(message.patterns(0).nearest_size(), 1);
  EXPECT_EQ(message.patterns(0).nearest(0), "app:start");
}

TEST(Coverage, FilterProblems_OnceEachAndFew) {
  Coverage coverage;
  for (int program = 0; program < 3; ++program)
    coverage.add_filter_problem({"a == 1", "no field a"}, "app:x", "p" + std::to_string(program));
  control::v1::Coverage message;
  coverage.fill({}, &message);
  ASSERT_EQ(message.filter_problems_size(), 1);
  EXPECT_EQ(message.filter_problems(0).filter(), "a == 1");
  EXPECT_EQ(message.filter_problems(0).event(), "app:x");
  EXPECT_EQ(message.filter_problems(0).program(), "p0");
  EXPECT_EQ(message.filter_problems(0).reason(), "no field a");
  for (int event = 0; event < 100; ++event)
    coverage.add_filter_problem({"a == 1", "no field a"}, "app:" + std::to_string(event), "p");
  control::v1::Coverage many;
  coverage.fill({}, &many);
  EXPECT_LT(many.filter_problems_size(), 20);
}

TEST(Coverage, BestVerdictOfSeveralChannelsCounts) {
  Coverage coverage;
  auto channel = channel_for("*");
  coverage.add_event(channel, "app:a", session::Verdict::kLevel);
  coverage.add_event(channel, "app:a", session::Verdict::kExcluded);
  coverage.add_event(channel, "app:b", session::Verdict::kRecorded);
  coverage.add_event(channel, "app:b", session::Verdict::kLevel);
  control::v1::Coverage message;
  coverage.fill({channel}, &message);
  EXPECT_EQ(message.below_level_size(), 0);
  ASSERT_EQ(message.excluded_size(), 1);
  EXPECT_EQ(message.excluded(0), "app:a");
  EXPECT_EQ(message.events_matched(), 1u);
}

}  // namespace
}  // namespace sillage::daemon
