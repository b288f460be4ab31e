// SPDX-License-Identifier: MIT
#include "ust/field_parts.hpp"

#include "abi/catalog.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace sillage::ust {
namespace {

/// An event and what generated code puts together of its fields.
class FieldPartsTest : public testing::Test {
 protected:
  void add(std::uint8_t kind, std::uint8_t size, std::uint8_t flags = SILLAGE_FIELD_NOWRITE,
           std::uint32_t count = 0) {
    sillage_field field = {};
    field.kind = kind;
    field.size = size;
    field.flags = flags;
    field.count = count;
    fields_.push_back(field);
  }
  template <class Value>
  void push(Value value) {
    stack_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  const sillage_event& event() {
    event_.fields = fields_.data();
    event_.field_count = static_cast<std::uint16_t>(fields_.size());
    return event_;
  }
  bool take_unwritten() { return taken_.take_unwritten(event(), stack_.data()); }
  bool take_all() { return taken_.take_all(event(), stack_.data()); }
  [[nodiscard]] std::string assembled(std::size_t room = 512) {
    std::string to(room, 'x');
    const std::uint32_t bytes = assemble_fields(event(), stack_.data(), to.data(), room);
    return bytes == UINT32_MAX ? "no room" : to.substr(0, bytes);
  }
  /// What the parts that are recorded come to.
  [[nodiscard]] std::string recorded() const {
    std::string all;
    for (std::uint32_t i = 0; i < taken_.count(); i++) {
      const sillage_part& at = taken_.parts()[i];
      if (at.kind == SILLAGE_PART_STRING)
        all += std::string(static_cast<const char*>(at.data)) + '\0';
      else if (at.kind == SILLAGE_PART_BYTES)
        all += bytes_of(i);
    }
    return all;
  }
  [[nodiscard]] std::string bytes_of(std::uint32_t part) const {
    const sillage_part& at = taken_.parts()[part];
    return {static_cast<const char*>(at.data), at.bytes};
  }

  std::vector<sillage_field> fields_;
  std::string stack_;
  sillage_event event_{};
  FieldParts taken_{};
};

TEST_F(FieldPartsTest, UnwrittenWords_AreAsInTheRecord) {
  add(SILLAGE_KIND_INTEGER, 2);
  push(std::uint64_t{0x1234});
  add(SILLAGE_KIND_INTEGER, 8, 0);  // recorded
  push(std::uint64_t{7});
  add(SILLAGE_KIND_INTEGER, 4, SILLAGE_FIELD_NOWRITE | SILLAGE_FIELD_BIG_ENDIAN);
  push(std::uint64_t{0x11223344});
  add(SILLAGE_KIND_FLOAT, 4);
  push(0.5);
  ASSERT_TRUE(take_unwritten());
  ASSERT_EQ(taken_.count(), 1u);
  EXPECT_EQ(bytes_of(0), std::string("\x34\x12\x11\x22\x33\x44\0\0\0\x3f", 10));
  EXPECT_EQ(taken_.parts()[0].kind, std::uint32_t{SILLAGE_PART_BYTES} | SILLAGE_PART_NOWRITE);
}

TEST_F(FieldPartsTest, UnwrittenTextsAndElements_AreWhereTheyAre) {
  const char text[] = "text";
  const std::int16_t items[] = {1, 2, 3};
  add(SILLAGE_KIND_STRING, 1, 0);
  push(+text);
  add(SILLAGE_KIND_STRING, 1);
  push(+text);
  add(SILLAGE_KIND_SEQUENCE, 2, SILLAGE_FIELD_NOWRITE, 4);
  push(3ul);
  push(+items);
  add(SILLAGE_KIND_TEXT_ARRAY, 1, SILLAGE_FIELD_NOWRITE, 2);
  push(2ul);
  push(+text);
  ASSERT_TRUE(take_unwritten());
  ASSERT_EQ(taken_.count(), 4u);
  EXPECT_EQ(taken_.parts()[0].data, text);
  EXPECT_EQ(taken_.parts()[0].kind, std::uint32_t{SILLAGE_PART_STRING} | SILLAGE_PART_NOWRITE);
  EXPECT_EQ(bytes_of(1), std::string("\3\0\0\0", 4));
  EXPECT_EQ(taken_.parts()[2].data, items);
  EXPECT_EQ(taken_.parts()[2].bytes, sizeof items);
  EXPECT_EQ(bytes_of(3), "te");
}

TEST_F(FieldPartsTest, Everything_AsOneAndInParts_IsTheSame) {
  // A text of every length and place, so that one ends with its page.
  std::string page(2 * 4096, 'p');
  const auto* const end = reinterpret_cast<const char*>(
      reinterpret_cast<std::uintptr_t>(page.data() + 4096) & ~std::uintptr_t{4095});
  const std::uint16_t items[] = {1, 2, 3};
  for (std::size_t length = 0; length < 40; length++) {
    for (std::size_t behind = 0; behind < 20; behind++) {
      char* const text = const_cast<char*>(end - behind - length - 1);
      std::memset(text, 't', length);
      text[length] = 0;
      fields_.clear();
      stack_.clear();
      add(SILLAGE_KIND_INTEGER, 1, 0);
      push(std::int64_t{-2});
      add(SILLAGE_KIND_STRING, 1, 0);
      push(static_cast<const char*>(text));
      add(SILLAGE_KIND_INTEGER, 2, SILLAGE_FIELD_BIG_ENDIAN);
      push(std::int64_t{-2});
      add(SILLAGE_KIND_SEQUENCE, 2, 0, 1);
      push(0x103ul);  // more than its length can say
      push(+items);
      add(SILLAGE_KIND_TEXT_ARRAY, 1, 0, 50);
      push(50ul);
      push(static_cast<const char*>(text));
      add(SILLAGE_KIND_TEXT_SEQUENCE, 1, 0, 8);
      push(length);
      push(static_cast<const char*>(text));
      add(SILLAGE_KIND_ARRAY, 2, 0, 3);
      push(3ul);
      push(+items);
      add(SILLAGE_KIND_FLOAT, 4, 0);
      push(-1.5);
      std::string expected = std::string("\xfe") + text + '\0' + "\xff\xfe" + "\3";
      const std::string elements(reinterpret_cast<const char*>(items), sizeof items);
      expected += elements + text + std::string(50 - length, '\0');
      expected += std::string(1, static_cast<char>(length)) + std::string(7, '\0') + text;
      expected += elements + std::string("\0\0\xc0\xbf", 4);
      EXPECT_EQ(assembled(), expected) << length;
      ASSERT_TRUE(take_all()) << length;
      EXPECT_EQ(recorded(), expected) << length;
    }
  }
}

TEST_F(FieldPartsTest, NoRoom_IsSaid) {
  const std::string text(600, 't');
  add(SILLAGE_KIND_STRING, 1, 0);
  push(text.c_str());
  EXPECT_EQ(assembled(), "no room");
  EXPECT_EQ(assembled(640), text + '\0');
  EXPECT_TRUE(take_all());
  EXPECT_FALSE(FieldParts::can_be_large(event()));
  // Not even if it could be copied: it may end before that.
  add(SILLAGE_KIND_TEXT_SEQUENCE, 1, 0, 2);
  push(601ul);
  push(text.c_str());
  EXPECT_TRUE(FieldParts::can_be_large(event()));
  EXPECT_FALSE(take_all());
  EXPECT_EQ(assembled(), "no room");
}

TEST_F(FieldPartsTest, TooManyParts_AreNone) {
  const char text[] = "";
  for (int i = 0; i < 64; i++) {
    add(SILLAGE_KIND_STRING, 1);
    push(+text);
  }
  EXPECT_TRUE(take_unwritten());
  EXPECT_EQ(taken_.count(), 64u);
  EXPECT_FALSE(FieldParts::can_be_large(event()));
  add(SILLAGE_KIND_STRING, 1);
  push(+text);
  EXPECT_FALSE(take_unwritten());
  EXPECT_TRUE(FieldParts::can_be_large(event()));
}

}  // namespace
}  // namespace sillage::ust
