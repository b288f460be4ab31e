// SPDX-License-Identifier: MIT
#include "sillage/units.hpp"

#include <gtest/gtest.h>

namespace sillage::command {
namespace {

TEST(Units, Sizes) {
  EXPECT_EQ(parse_size("4096").value(), 4096u);
  EXPECT_EQ(parse_size("64k").value(), 65536u);
  EXPECT_EQ(parse_size("2M").value(), 2u << 20);
  EXPECT_EQ(parse_size("1G").value(), 1u << 30);
  for (const char* text :
       {"", "0", "k", "-1", "1x", "1kk", "1 k", "99999999999G", "18446744073709551616"}) {
    EXPECT_EQ(parse_size(text).error().code, Code::kInvalidArgument) << text;
  }
}

TEST(Units, Durations) {
  EXPECT_EQ(parse_duration("1.5s", 1).value(), 1'500'000'000u);
  EXPECT_EQ(parse_duration("200ms", 1).value(), 200'000'000u);
  EXPECT_EQ(parse_duration("30us", 1).value(), 30'000u);
  EXPECT_EQ(parse_duration("2m", 1).value(), 120'000'000'000u);
  EXPECT_EQ(parse_duration("7", 1000).value(), 7000u);
  EXPECT_EQ(parse_duration("0", 1000).value(), 0u);
  for (const char* text : {"", "s", "-1s", "1y", "nan", "inf", "1e400s", "999999999999h"}) {
    EXPECT_FALSE(parse_duration(text, 1)) << text;
  }
}

TEST(Units, Texts) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(size_text(512), "512 B");
  EXPECT_EQ(size_text(1536), "1.5 KiB");
  EXPECT_EQ(size_text(UINT64_MAX), "16384.0 PiB");
  EXPECT_EQ(duration_text(12'000'000), "0.012 s");
  EXPECT_EQ(duration_text(3'410'000'000), "3.41 s");
  EXPECT_EQ(duration_text(125'000'000'000), "2 min 5 s");
}

}  // namespace
}  // namespace sillage::command
