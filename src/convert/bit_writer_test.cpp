// SPDX-License-Identifier: MIT
#include "convert/bit_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace sillage::convert {
namespace {

using ctf::ByteOrder;

std::vector<int> bytes_of(const BitWriter& writer) {
  std::vector<int> bytes;
  for (const std::byte byte : writer.bytes()) bytes.push_back(std::to_integer<int>(byte));
  return bytes;
}

TEST(BitWriter, LittleEndianBits_FillBytesFromTheirLowest) {
  BitWriter writer;
  writer.put_bits(0b101, 3, ByteOrder::kLittle);
  writer.put_bits(0x1ff, 9, ByteOrder::kLittle);
  EXPECT_THAT(bytes_of(writer), testing::ElementsAre(0xfd, 0x0f));
  EXPECT_EQ(writer.position(), 12u);
}

TEST(BitWriter, BigEndianBits_FillBytesFromTheirHighest) {
  BitWriter writer;
  writer.put_bits(0b101, 3, ByteOrder::kBig);
  writer.put_bits(0x101, 9, ByteOrder::kBig);
  EXPECT_THAT(bytes_of(writer), testing::ElementsAre(0xb0, 0x10));
}

TEST(BitWriter, SixtyFourBitsAtAnyBit_AreWhole) {
  constexpr std::uint64_t kValue = 0x0123456789abcdef;
  BitWriter little;
  little.put_bits(1, 1, ByteOrder::kLittle);
  little.put_bits(kValue, 64, ByteOrder::kLittle);
  EXPECT_EQ(little.position(), 65u);
  EXPECT_EQ(bytes_of(little).front(), 0xdf);  // 0xef << 1 | 1
  EXPECT_EQ(bytes_of(little).back(), 0x00);
  BitWriter big;
  big.put_bits(1, 1, ByteOrder::kBig);
  big.put_bits(kValue, 64, ByteOrder::kBig);
  EXPECT_EQ(bytes_of(big).front(), 0x80);
  EXPECT_EQ(bytes_of(big).back(), 0x80);
}

TEST(BitWriter, WrittenOver_OnlyTheFieldChanges) {
  const std::array<std::byte, 2> packet{std::byte{0xff}, std::byte{0xff}};
  BitWriter writer;
  writer.copy(packet);
  writer.seek(6);
  writer.put_bits(0, 4, ByteOrder::kLittle);
  EXPECT_THAT(bytes_of(writer), testing::ElementsAre(0x3f, 0xfc));
}

TEST(BitWriter, Alignment_IsZeroes) {
  BitWriter writer;
  writer.put_bits(1, 1, ByteOrder::kLittle);
  writer.align(32);
  writer.put_bytes("ab");
  writer.resize(8);
  EXPECT_THAT(bytes_of(writer), testing::ElementsAre(1, 0, 0, 0, 'a', 'b', 0, 0));
}

}  // namespace
}  // namespace sillage::convert
