// SPDX-License-Identifier: MIT
#include "sillage/read_options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sillage::command {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kSecond = 1'000'000'000;

TEST(ReadTime, Formats) {
  EXPECT_EQ(parse_time_bound("12.5", true)->ns, 12 * kSecond + kSecond / 2);
  EXPECT_EQ(parse_time_bound("-12.5", true)->ns, -12 * kSecond - kSecond / 2);
  EXPECT_EQ(parse_time_bound("1970-01-02", true)->ns, 86400 * kSecond);
  EXPECT_EQ(parse_time_bound("1970-01-02 01:02:03.000000004", true)->ns,
            (86400 + 3723) * kSecond + 4);
  const auto time_of_day = parse_time_bound("01:02", true);
  ASSERT_TRUE(time_of_day);
  EXPECT_FALSE(time_of_day->ns);
  EXPECT_EQ(time_of_day->resolve(86400 * kSecond + 7, true), (86400 + 3720) * kSecond);
  EXPECT_EQ(time_of_day->resolve(-1, true), (3720 - 86400) * kSecond);
}

TEST(ReadTime, WrongText_SaysWhatToWrite) {
  for (const char* text : {"", "-", "x", "1.", "1.1234567890", "12:3", "12:30:", "48:17.6",
                           "1970-1-1", "1970-01-01T00:00", "1970-13-01", "1970-01-32", "24:00:00",
                           "12:60", "9223372037", "0000-01-01"}) {
    const auto bound = parse_time_bound(text, true);
    ASSERT_FALSE(bound) << text;
    EXPECT_THAT(bound.error().message, HasSubstr("is not a time: write")) << text;
  }
}

TEST(ReadTime, Ranges) {
  EXPECT_EQ(parse_time_range("1,2", true)->end.ns, 2 * kSecond);
  EXPECT_EQ(parse_time_range("[1,2]", true)->begin.ns, kSecond);
  for (const char* text : {"", ",", "1", "1,", ",1", "[,]", "1,2,3"}) {
    EXPECT_FALSE(parse_time_range(text, true)) << text;
  }
}

TEST(ReadPlan, ChosenFieldsReplaceTheDefault) {
  ReadOptions options;
  options.fields = {"trace, loglevel", "emf"};
  options.names = {"none"};
  const auto plan = plan_reading(options);
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->text.trace && plan->text.log_level && plan->text.emf_uri);
  EXPECT_FALSE(plan->text.hostname || plan->text.payload_names || plan->text.context_names);
}

TEST(ReadPlan, DebugInfo_EachOfItsOptionsAsksForIt) {
  ReadOptions options;
  EXPECT_FALSE(plan_reading(options)->symbols);
  options.debug_info_dir = "/symbols";
  const auto plan = plan_reading(options);
  ASSERT_TRUE(plan && plan->symbols);
  EXPECT_EQ(plan->symbols->debug_directory, "/symbols");
  EXPECT_FALSE(plan->symbols->has_full_paths);
  options = {};
  options.debug_info_full_path = true;
  EXPECT_TRUE(plan_reading(options)->symbols->has_full_paths);
  options.format = "json";
  EXPECT_THAT(plan_reading(options).error().message, HasSubstr("--format text"));
}

TEST(ReadPlan, WrongOption_NamesItAndTheChoices) {
  const auto message = [](auto change) {
    ReadOptions options;
    change(&options);
    const auto plan = plan_reading(options);
    return plan ? std::string() : plan.error().message;
  };
  EXPECT_THAT(message([](auto* o) { o->fields = {"foo"}; }), HasSubstr("--fields foo"));
  EXPECT_THAT(message([](auto* o) { o->names = {"all,none"}; }), HasSubstr("write one of them"));
  EXPECT_THAT(message([](auto* o) { o->color = "red"; }), HasSubstr("auto, always or never"));
  EXPECT_THAT(message([](auto* o) { o->format = "xml"; }), HasSubstr("details or count"));
  EXPECT_THAT(message([](auto* o) { o->clock_offset = "1.5"; }), HasSubstr("whole number"));
  EXPECT_THAT(message([](auto* o) { o->clock_offset = "9223372037"; }), HasSubstr("64 bits"));
}

}  // namespace
}  // namespace sillage::command
