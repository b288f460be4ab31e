// SPDX-License-Identifier: MIT
#include "ctf/text.hpp"

#include <gtest/gtest.h>

namespace sillage::ctf {
namespace {

TEST(ValidUtf8, TextOfAllLengths_StaysAsItIs) {
  const std::string text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x8e\x89\x7f";
  EXPECT_EQ(valid_utf8(text), text);
  EXPECT_EQ(valid_utf8(std::string_view("a\0b", 3)), std::string("a\0b", 3));
}

TEST(ValidUtf8, BytesThatAreNoText_BecomeReplacementCharacters) {
  const std::string bad = "\xef\xbf\xbd";
  EXPECT_EQ(valid_utf8("\xff"), bad);
  EXPECT_EQ(valid_utf8("a\xc3"), "a" + bad);                         // cut short
  EXPECT_EQ(valid_utf8("\xe2\x82z"), bad + bad + "z");               // cut short by text
  EXPECT_EQ(valid_utf8("\xc0\xaf"), bad + bad);                      // overlong '/'
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), bad + bad + bad);            // surrogate
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), bad + bad + bad + bad);  // above U+10FFFF
}

TEST(UuidText, BytesInOrder_LowerCaseWithDashes) {
  Uuid uuid;
  for (std::size_t i = 0; i < uuid.size(); ++i) uuid[i] = static_cast<std::byte>(i * 17);
  EXPECT_EQ(uuid_text(uuid), "00112233-4455-6677-8899-aabbccddeeff");
}

TEST(UniqueNames, RepeatedName_GetsTheNextFreeNumber) {
  UniqueNames names;
  EXPECT_EQ(names.unique("a"), "a");
  EXPECT_EQ(names.unique("a_2"), "a_2");
  EXPECT_EQ(names.unique("a"), "a_3");
  EXPECT_EQ(names.unique("a"), "a_4");
  EXPECT_EQ(names.unique("a_2"), "a_2_2");
}

}  // namespace
}  // namespace sillage::ctf
