// SPDX-License-Identifier: MIT
#include "ust/unwritten.hpp"

#include "abi/catalog.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace sillage::ust {
namespace {

/// An event and what generated code puts together of its fields.
class UnwrittenTest : public testing::Test {
 protected:
  void add(std::uint8_t kind, std::uint8_t size, std::uint8_t flags = SILLAGE_FIELD_NOWRITE) {
    sillage_field field = {};
    field.kind = kind;
    field.size = size;
    field.flags = flags;
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
  void take() { unwritten_.take(event(), stack_.data()); }
  [[nodiscard]] std::string bytes_of(std::uint32_t part) const {
    const sillage_part& at = unwritten_.parts()[part];
    return {static_cast<const char*>(at.data), at.bytes};
  }

  std::vector<sillage_field> fields_;
  std::string stack_;
  sillage_event event_{};
  Unwritten unwritten_{};
};

TEST_F(UnwrittenTest, Words_AreAsInTheRecord) {
  add(SILLAGE_KIND_INTEGER, 2);
  push(std::uint64_t{0x1234});
  add(SILLAGE_KIND_INTEGER, 8, 0);  // recorded
  push(std::uint64_t{7});
  add(SILLAGE_KIND_INTEGER, 4, SILLAGE_FIELD_NOWRITE | SILLAGE_FIELD_BIG_ENDIAN);
  push(std::uint64_t{0x11223344});
  add(SILLAGE_KIND_FLOAT, 4);
  push(0.5);
  take();
  ASSERT_EQ(unwritten_.count(), 3u);
  EXPECT_EQ(bytes_of(0), "\x34\x12");
  EXPECT_EQ(bytes_of(1), "\x11\x22\x33\x44");
  EXPECT_EQ(bytes_of(2), std::string("\0\0\0\x3f", 4));
  for (std::uint32_t part = 0; part < 3; part++)
    EXPECT_EQ(unwritten_.parts()[part].kind,
              std::uint32_t{SILLAGE_PART_BYTES} | SILLAGE_PART_NOWRITE);
}

TEST_F(UnwrittenTest, TextsAndElements_AreWhereTheyAre) {
  const char text[] = "text";
  const std::int16_t items[] = {1, 2, 3};
  add(SILLAGE_KIND_STRING, 1, 0);
  push(+text);
  add(SILLAGE_KIND_STRING, 1);
  push(+text);
  add(SILLAGE_KIND_SEQUENCE, 2);
  push(3ul);
  push(+items);
  add(SILLAGE_KIND_TEXT_ARRAY, 1);
  push(2ul);
  push(+text);
  take();
  ASSERT_EQ(unwritten_.count(), 4u);
  EXPECT_EQ(unwritten_.parts()[0].data, text);
  EXPECT_EQ(unwritten_.parts()[0].kind, std::uint32_t{SILLAGE_PART_STRING} | SILLAGE_PART_NOWRITE);
  EXPECT_EQ(bytes_of(1), std::string("\3\0\0\0", 4));
  EXPECT_EQ(unwritten_.parts()[2].data, items);
  EXPECT_EQ(unwritten_.parts()[2].bytes, sizeof items);
  EXPECT_EQ(bytes_of(3), "te");
}

TEST_F(UnwrittenTest, TooMany_ThereAreNone) {
  for (int i = 0; i < 64; i++) {
    add(SILLAGE_KIND_INTEGER, 1);
    push(std::uint64_t{1});
  }
  take();
  EXPECT_EQ(unwritten_.count(), 64u);
  EXPECT_TRUE(unwritten_.are_of(event()));
  // One more, and one that is two parts.
  for (const std::uint8_t kind : {SILLAGE_KIND_INTEGER, SILLAGE_KIND_SEQUENCE}) {
    add(kind, 1);
    push(std::uint64_t{1});
    push(std::uint64_t{0});
    take();
    EXPECT_FALSE(unwritten_.are_of(event()));
    fields_.pop_back();
    stack_.resize(stack_.size() - 16);
  }
}

}  // namespace
}  // namespace sillage::ust
