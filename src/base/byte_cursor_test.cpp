// SPDX-License-Identifier: MIT
#include "base/byte_cursor.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <limits>

namespace sillage {
namespace {

std::array<std::byte, 6> six_bytes() {
  return {std::byte{1},   std::byte{2},   std::byte{3},
          std::byte{'a'}, std::byte{'b'}, std::byte{0xff}};
}

TEST(ByteCursor, Integers_AreReadInMachineOrderAndNeedNoAlignment) {
  const auto bytes = six_bytes();
  ByteCursor cursor(bytes);
  EXPECT_EQ(cursor.take<std::uint8_t>(), 1);
  std::uint16_t expected = 0;
  std::memcpy(&expected, &bytes[1], sizeof expected);
  EXPECT_EQ(cursor.take<std::uint16_t>(), expected);
  EXPECT_EQ(cursor.offset(), 3U);
  EXPECT_EQ(cursor.left(), 3U);
}

TEST(ByteCursor, TooFewBytes_ReturnsNothingAndStays) {
  const auto bytes = six_bytes();
  ByteCursor cursor(bytes);
  ASSERT_TRUE(cursor.skip(3));
  EXPECT_EQ(cursor.take<std::uint32_t>(), std::nullopt);
  EXPECT_FALSE(cursor.take_bytes(4));
  EXPECT_FALSE(cursor.take_chars(4));
  EXPECT_FALSE(cursor.skip(4));
  EXPECT_EQ(cursor.offset(), 3U);
  EXPECT_EQ(cursor.take_chars(2), "ab");
}

TEST(ByteCursor, HugeCounts_DoNotWrap) {
  const auto bytes = six_bytes();
  ByteCursor cursor(bytes);
  ASSERT_TRUE(cursor.skip(1));
  EXPECT_FALSE(cursor.take_bytes(std::numeric_limits<std::size_t>::max()));
  EXPECT_FALSE(cursor.skip(std::numeric_limits<std::size_t>::max()));
  EXPECT_EQ(cursor.offset(), 1U);
}

TEST(ByteCursor, End_IsReachedExactly) {
  const auto bytes = six_bytes();
  ByteCursor cursor(bytes);
  EXPECT_EQ(cursor.take_bytes(6)->size(), 6U);
  EXPECT_TRUE(cursor.at_end());
  EXPECT_TRUE(cursor.take_bytes(0));
  EXPECT_FALSE(cursor.take<std::uint8_t>());
}

}  // namespace
}  // namespace sillage
