// SPDX-License-Identifier: MIT
#include "session/log_level.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

TEST(LogLevel, Names_AllSpellings) {
  EXPECT_EQ(parse_log_level("INFO").value(), 6);
  EXPECT_EQ(parse_log_level("info").value(), 6);
  EXPECT_EQ(parse_log_level("TRACE_INFO").value(), 6);
  EXPECT_EQ(parse_log_level("trace_debug_line").value(), 13);
  EXPECT_EQ(parse_log_level("DEBUG").value(), 14);
  EXPECT_EQ(parse_log_level("0").value(), 0);
  EXPECT_EQ(parse_log_level("14").value(), 14);
  for (std::uint8_t level = 0; level <= kMaxLogLevel; ++level) {
    EXPECT_EQ(parse_log_level(log_level_name(level)).value(), level);
  }
}

TEST(LogLevel, Unknown_NamesTheChoices) {
  for (const char* text : {"", "15", "-1", "256", "INF", "TRACE_", "1x"}) {
    auto level = parse_log_level(text);
    ASSERT_FALSE(level) << text;
    EXPECT_EQ(level.error().code, Code::kInvalidArgument);
    EXPECT_NE(level.error().message.find("WARNING"), std::string::npos);
  }
  EXPECT_EQ(log_level_name(15), "UNKNOWN");
}

TEST(LogLevelRule, E10_LevelAndMoreSevere) {
  LogLevelRule rule{LogLevelRule::Kind::kAtLeastAsSevere, 4};
  EXPECT_TRUE(rule.accepts(0));
  EXPECT_TRUE(rule.accepts(4));
  EXPECT_FALSE(rule.accepts(5));
  rule.kind = LogLevelRule::Kind::kOnly;
  EXPECT_FALSE(rule.accepts(3));
  EXPECT_TRUE(rule.accepts(4));
  EXPECT_TRUE(LogLevelRule{}.accepts(14));
}

}  // namespace
}  // namespace sillage::session
