// SPDX-License-Identifier: MIT
#include "ctf/packetized_metadata.hpp"

#include "ctf/metadata_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::ctf {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Header {
  bool is_big = false;
  char uuid = 'u';  // all of its bytes
  char scheme[3] = {0, 0, 0};
  char major = 1, minor = 8;
  bool is_long = false;           // of CTF2-PMETA-1.0
  std::size_t padding_bytes = 0;  // behind the text
};

void put_number(std::string* to, std::uint32_t value, bool is_big) {
  for (int i = 0; i < 4; ++i) to->push_back(static_cast<char>(value >> 8 * (is_big ? 3 - i : i)));
}

std::string packet(std::string_view text, const Header& header = {}) {
  const std::size_t head = header.is_long ? 44 : 37;
  std::string bytes;
  put_number(&bytes, 0x75d11d57, header.is_big);
  bytes.append(16, header.uuid);
  put_number(&bytes, 0, header.is_big);
  const std::size_t content = head + text.size();
  put_number(&bytes, static_cast<std::uint32_t>(content * 8), header.is_big);
  put_number(&bytes, static_cast<std::uint32_t>((content + header.padding_bytes) * 8),
             header.is_big);
  bytes.append(header.scheme, 3);
  bytes += {header.major, header.minor};
  if (header.is_long) {
    bytes.append(3, '\0');
    put_number(&bytes, static_cast<std::uint32_t>(head * 8), header.is_big);
  }
  bytes += text;
  bytes.append(header.padding_bytes, '\0');
  return bytes;
}

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}
Result<std::string> unpack(const std::string& text) { return unpack_metadata(bytes_of(text)); }
std::string error_of(const std::string& text, Code code = Code::kCorrupt) {
  const auto unpacked = unpack(text);
  if (unpacked) return "";
  EXPECT_EQ(unpacked.error().code, code);
  return unpacked.error().text();
}

TEST(PacketizedMetadata, IsRecognisedByItsMagicNumber) {
  EXPECT_TRUE(is_packetized_metadata(bytes_of(packet("x"))));
  EXPECT_TRUE(is_packetized_metadata(bytes_of(packet("x", {.is_big = true}))));
  EXPECT_FALSE(is_packetized_metadata(bytes_of("/* CTF 1.8 */")));
  EXPECT_FALSE(is_packetized_metadata(bytes_of("\x57\x1d\xd1")));
}

TEST(PacketizedMetadata, BothByteOrdersAndVersions_AreRead) {
  for (const bool is_big : {false, true}) {
    for (const bool is_long : {false, true}) {
      const char major = is_long ? 2 : 1, minor = is_long ? 0 : 8;
      const auto text = unpack(
          packet("one,", {.is_big = is_big,
                          .major = major,
                          .minor = minor,
                          .is_long = is_long,
                          .padding_bytes = 9}) +
          packet("", {.is_big = is_big, .major = major, .minor = minor, .is_long = is_long}) +
          packet("two", {.is_big = is_big, .major = major, .minor = minor, .is_long = is_long}));
      ASSERT_TRUE(text) << text.error().text();
      EXPECT_EQ(*text, "one,two");
    }
  }
}

TEST(PacketizedMetadata, LttngsVersion2WithTheShortHeader_IsRead) {
  const std::string text = "\x1e{\"type\":\"preamble\",\"version\":2}\n";
  EXPECT_EQ(unpack(packet(text, {.major = 2, .minor = 0})), text);
}

TEST(PacketizedMetadata, MissingPaddingAndTrailingBytes_AreNotMissed) {
  std::string bytes = packet("text", {.padding_bytes = 100});
  bytes.resize(bytes.size() - 60);
  EXPECT_EQ(unpack(bytes), "text");
  EXPECT_EQ(unpack(packet("text") + std::string(36, 'x')), "text");
}

TEST(PacketizedMetadata, WhatCannotBe_IsSaidWithItsByte) {
  EXPECT_EQ(error_of(packet("1") + std::string(40, 'x')).substr(0, 8), "byte 38:");
  EXPECT_THAT(error_of(packet("1") + packet("2", {.uuid = 'v'})),
              StartsWith("byte 42: this metadata packet has another UUID"));
  EXPECT_THAT(error_of(packet("1", {.scheme = {1, 0, 0}}), Code::kUnsupported),
              HasSubstr("byte 32: metadata packets that are compressed"));
  EXPECT_THAT(error_of(packet("1", {.scheme = {0, 1, 0}}), Code::kUnsupported),
              HasSubstr("byte 33: metadata packets that are encrypted"));
  EXPECT_THAT(error_of(packet("1", {.scheme = {0, 0, 1}}), Code::kUnsupported),
              HasSubstr("byte 34:"));
  EXPECT_THAT(error_of(packet("1", {.minor = 9}), Code::kUnsupported), HasSubstr("version 1.9"));
}

TEST(PacketizedMetadata, SizesThatCannotBe_AreRefused) {
  const auto with_sizes = [](std::uint32_t content_bits, std::uint32_t packet_bits) {
    std::string bytes = packet("text"), sizes;
    put_number(&sizes, content_bits, false);
    put_number(&sizes, packet_bits, false);
    return bytes.replace(24, 8, sizes);
  };
  EXPECT_EQ(error_of(with_sizes(41 * 8, 41 * 8)), "");
  EXPECT_THAT(error_of(with_sizes(41 * 8, 40 * 8)), HasSubstr("byte 24: sizes"));
  EXPECT_THAT(error_of(with_sizes(41 * 8 + 1, 42 * 8)), HasSubstr("sizes"));
  EXPECT_THAT(error_of(with_sizes(36 * 8, 41 * 8)), HasSubstr("sizes"));
  EXPECT_THAT(error_of(with_sizes(0, 0)), HasSubstr("sizes"));
  EXPECT_THAT(error_of(with_sizes(42 * 8, 42 * 8)),
              HasSubstr("cut short: 42 bytes are said, 41 are there"));
  EXPECT_THAT(error_of(with_sizes(0xffff'fff8, 0xffff'fff8)), HasSubstr("cut short"));
}

TEST(PacketizedMetadata, BothLanguages_AreReadThroughIt) {
  const std::string json =
      packet("\x1e{\"type\":\"preamble\",\"version\":2}\n",
             {.major = 2, .minor = 0, .is_long = true}) +
      packet("\x1e{\"type\":\"data-stream-class\"}\n", {.major = 2, .minor = 0, .is_long = true});
  const auto ctf2 = read_metadata(bytes_of(json));
  ASSERT_TRUE(ctf2) << ctf2.error().text();
  EXPECT_EQ(ctf2->version, Version::kCtf2);
  // A packet may end inside a word.
  const std::string tsdl = packet("/* CTF 1.8 */ trace { major = 1; min", {.is_big = true}) +
                           packet("or = 8; byte_order = le; }; stream { };", {.is_big = true});
  const auto ctf18 = read_metadata(bytes_of(tsdl));
  ASSERT_TRUE(ctf18) << ctf18.error().text();
  EXPECT_EQ(ctf18->version, Version::kCtf18);
}

}  // namespace
}  // namespace sillage::ctf
