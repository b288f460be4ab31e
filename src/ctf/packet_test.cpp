// SPDX-License-Identifier: MIT
#include "ctf/packet.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace sillage::ctf {
namespace {

const PacketHead kHead{.stream_class_id = 0x01020304,
                       .stream_instance_id = 5,
                       .begin = 0x1122334455667788,
                       .end = 0x1122334455667799,
                       .content_bytes = 85,
                       .sequence_number = 6,
                       .events_discarded = 7,
                       .cpu_id = 8};

std::vector<unsigned> numbers(std::span<const std::byte> bytes) {
  std::vector<unsigned> out;
  for (const std::byte byte : bytes) out.push_back(std::to_integer<unsigned>(byte));
  return out;
}

TEST(PacketBytes, Content_IsPaddedToEight) {
  EXPECT_EQ(packet_bytes(88), 88u);
  EXPECT_EQ(packet_bytes(89), 96u);
  EXPECT_EQ(packet_bytes(kPacketHeadBytes), 88u);
}

TEST(PacketHead, LittleEndianMachine_LayoutAsDocumented) {
  if (kNativeByteOrder != ByteOrder::kLittle) GTEST_SKIP() << "the bytes below are little endian";
  Uuid uuid;
  uuid.fill(std::byte{0xaa});
  std::array<std::byte, kPacketHeadBytes> out{};
  encode_packet_head(out, uuid, kHead);
  std::vector<unsigned> expected{0xc1, 0x1f, 0xfc, 0xc1};
  expected.insert(expected.end(), 16, 0xaa);
  for (const unsigned byte :
       {4,    3,    2,    1,    5,    0,    0,    0,    0,    0,    0,    0,    0x88,
        0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x99, 0x77, 0x66, 0x55, 0x44, 0x33,
        0x22, 0x11, 0xa8, 2,    0,    0,    0,    0,    0,    0,  // content: 85 * 8 = 680 bits
        0xc0, 2,    0,    0,    0,    0,    0,    0,              // packet: 88 * 8 = 704 bits
        6,    0,    0,    0,    0,    0,    0,    0,    7,    0,    0,    0,    0,
        0,    0,    0,    8,    0,    0,    0})
    expected.push_back(byte);
  EXPECT_EQ(numbers(out), expected);
}

TEST(Index, HeaderAndEntry_BigEndianAsLttngs) {
  EXPECT_EQ(numbers(encode_index_header()),
            (std::vector<unsigned>{0xc1, 0xf1, 0xdc, 0xc1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 72}));
  EXPECT_EQ(
      numbers(encode_index_entry(0x0900, kHead)),
      (std::vector<unsigned>{
          0,    0,    0,    0,    0,    0,    9,    0,                                // offset
          0,    0,    0,    0,    0,    0,    2,    0xc0, 0, 0, 0, 0, 0, 0, 2, 0xa8,  // bits
          0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,                             // begin
          0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x99,                             // end
          0,    0,    0,    0,    0,    0,    0,    7,    0, 0, 0, 0, 1, 2, 3, 4,     // lost, class
          0,    0,    0,    0,    0,    0,    0,    5,    0, 0, 0, 0, 0, 0, 0, 6}));  // id, number
}

}  // namespace
}  // namespace sillage::ctf
