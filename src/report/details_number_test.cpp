// SPDX-License-Identifier: MIT
#include "report/details_number.hpp"

#include <gtest/gtest.h>

namespace sillage::report {
namespace {

TEST(Grouped, Numbers_GroupsOfTheBase) {
  EXPECT_EQ(grouped(std::uint64_t{9999}), "9999");
  EXPECT_EQ(grouped(std::uint64_t{10000}), "10,000");
  EXPECT_EQ(grouped(~std::uint64_t{0}), "18,446,744,073,709,551,615");
  EXPECT_EQ(grouped(std::int64_t{-1234567}), "-1,234,567");
  EXPECT_EQ(grouped(std::uint64_t{0xdeadbeef}, ctf::Base::kHexadecimal), "0xdead:beef");
  EXPECT_EQ(grouped(std::int64_t{-2}, ctf::Base::kHexadecimal), "-0x2");
  EXPECT_EQ(grouped(std::uint64_t{01234}, ctf::Base::kOctal), "01:234");
  EXPECT_EQ(grouped(std::uint64_t{5}, ctf::Base::kBinary), "0x5");
}

}  // namespace
}  // namespace sillage::report
