// SPDX-License-Identifier: MIT
#include "lttng/command_line.hpp"

#include <gtest/gtest.h>

namespace sillage::lttng {
namespace {

using Value = OptionSpec::Value;
using Words = std::vector<std::string>;

const std::vector<OptionSpec> kOptions = {{"kernel", 'k'},
                                          {"all", 'a'},
                                          {"session", 's', Value::kNeeded},
                                          {"pid", 'p', Value::kOptional},
                                          {"type", 't', Value::kNeeded}};

TEST(CommandLine, Options_StandAnywhereInEveryForm) {
  for (const Words& words : {Words{"-ka", "-s", "x", "word"}, Words{"word", "-kasx"},
                             Words{"--session=x", "--kernel", "word", "--all"},
                             Words{"--session", "x", "-k", "-a", "--", "word"}}) {
    const auto line = CommandLine::parse(words, kOptions);
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_TRUE(line->has("kernel") && line->has("all"));
    EXPECT_EQ(line->value("session"), "x");
    EXPECT_EQ(line->words(), Words{"word"});
    EXPECT_FALSE(line->has("pid"));
  }
}

TEST(CommandLine, Values_OfRepeatedAndOptionalOnes) {
  const auto line = CommandLine::parse({"-t", "a", "--type=b", "--pid", "c", "--", "-k"}, kOptions);
  ASSERT_TRUE(line);
  EXPECT_EQ(line->values("type"), (Words{"a", "b"}));
  EXPECT_EQ(line->value("type"), "b");
  EXPECT_EQ(line->value("pid"), "");
  EXPECT_EQ(line->words(), (Words{"c", "-k"}));
  EXPECT_EQ(CommandLine::parse({"--pid=1,2"}, kOptions)->value("pid"), "1,2");
}

TEST(CommandLine, WhatCannotBe_IsRefused) {
  for (const Words& words : {Words{"--sesion=x"}, Words{"-z"}, Words{"-kz"}, Words{"--session"},
                             Words{"-s"}, Words{"--all=1"}})
    EXPECT_FALSE(CommandLine::parse(words, kOptions)) << words[0];
  EXPECT_EQ(CommandLine::parse({"--sesion=x"}, kOptions).error().message,
            "there is no option --sesion; did you mean --session?");
}

TEST(CommandLine, Lists_AreCutAtCommas) {
  EXPECT_EQ(split_list("a,b"), (Words{"a", "b"}));
  EXPECT_EQ(split_list(",a,,b,"), (Words{"a", "b"}));
  EXPECT_EQ(split_list(R"(a\,b,c\*)"), (Words{"a,b", R"(c\*)"}));
  EXPECT_EQ(split_list(""), Words{});
}

TEST(CommandLine, SizesAndTimes_AreLttngs) {
  const std::pair<const char*, std::uint64_t> sizes[] = {
      {"0", 0},        {"16", 16},      {"64k", 65536}, {"64K", 65536},
      {"2M", 2 << 20}, {"1G", 1 << 30}, {"0x10", 16},   {"010", 8}};
  for (const auto& [text, value] : sizes) EXPECT_EQ(parse_size(text).value_or(99), value) << text;
  for (const char* text : {"", "k", "1x", "-1", "1kk", "99999999999G", "0x"})
    EXPECT_FALSE(parse_size(text)) << text;
  const std::pair<const char*, std::uint64_t> times[] = {
      {"0", 0},          {"200", 200},       {"5us", 5},           {"5ms", 5000},
      {"2s", 2'000'000}, {"1m", 60'000'000}, {"1h", 3'600'000'000}};
  for (const auto& [text, value] : times)
    EXPECT_EQ(parse_microseconds(text).value_or(99), value) << text;
  for (const char* text : {"", "s", "1d", "99999999999h"})
    EXPECT_FALSE(parse_microseconds(text)) << text;
}

}  // namespace
}  // namespace sillage::lttng
