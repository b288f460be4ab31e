// SPDX-License-Identifier: MIT
#include "sillaged/event_class.hpp"

#include <gtest/gtest.h>

namespace sillage::daemon {
namespace {

apps::Field field_of(sillage_field_kind kind, std::string name, std::uint8_t size = 4,
                     std::uint8_t flags = 0) {
  apps::Field field;
  field.kind = kind;
  field.name = std::move(name);
  field.size = size;
  field.flags = flags;
  field.count = kind == SILLAGE_KIND_SEQUENCE || kind == SILLAGE_KIND_TEXT_SEQUENCE ? 0 : 3;
  return field;
}

TEST(EventClass, EveryKind_IsOneMemberAndItsLength) {
  apps::Site site;
  site.provider = "app";
  site.name = "all";
  site.log_level = 6;
  site.emf_uri = "http://x";
  site.fields = {field_of(SILLAGE_KIND_INTEGER, "i"),
                 field_of(SILLAGE_KIND_BOOL, "b", 1),
                 field_of(SILLAGE_KIND_ENUM, "e"),
                 field_of(SILLAGE_KIND_FLOAT, "f", 8),
                 field_of(SILLAGE_KIND_STRING, "s"),
                 field_of(SILLAGE_KIND_TEXT_ARRAY, "ta"),
                 field_of(SILLAGE_KIND_TEXT_SEQUENCE, "ts"),
                 field_of(SILLAGE_KIND_ARRAY, "a"),
                 field_of(SILLAGE_KIND_ARRAY, "fa", 4, SILLAGE_FIELD_FLOAT_ELEMENTS),
                 field_of(SILLAGE_KIND_SEQUENCE, "q"),
                 field_of(SILLAGE_KIND_SEQUENCE, "fq", 8, SILLAGE_FIELD_FLOAT_ELEMENTS),
                 field_of(SILLAGE_KIND_BLOB, "bl"),
                 field_of(SILLAGE_KIND_BLOB_SEQUENCE, "bs")};
  const ctf::EventClass event = event_class_of(site);
  EXPECT_EQ(event.name, "app:all");
  EXPECT_EQ(event.log_level, 6);
  EXPECT_EQ(event.emf_uri, "http://x");
  const auto* payload = event.payload->as<ctf::Structure>();
  ASSERT_NE(payload, nullptr);
  EXPECT_EQ(payload->members.size(), 13u + 4);  // lengths of ts, q, fq, bs
  const auto* element = payload->members[9].field_class->as<ctf::StaticArray>();
  ASSERT_NE(element, nullptr);
  EXPECT_EQ(element->length, 3u);
  EXPECT_NE(element->element->as<ctf::Float>(), nullptr);
}

TEST(EventClass, Integer_SizeSignBaseAndOrder) {
  apps::Site site;
  site.fields = {
      field_of(SILLAGE_KIND_INTEGER, "i", 2, SILLAGE_FIELD_SIGNED | SILLAGE_FIELD_BIG_ENDIAN)};
  site.fields[0].base = 16;
  const auto event = event_class_of(site);
  const auto* integer =
      event.payload->as<ctf::Structure>()->members[0].field_class->as<ctf::Integer>();
  ASSERT_NE(integer, nullptr);
  EXPECT_EQ(integer->layout.length_bits, 16u);
  EXPECT_TRUE(integer->is_signed);
  EXPECT_EQ(integer->base, ctf::Base::kHexadecimal);
  EXPECT_EQ(integer->layout.byte_order, ctf::ByteOrder::kBig);
}

TEST(EventClass, LengthOfASequence_IsOfTheSizeThatItSays) {
  for (const std::uint32_t bytes : {0u, 1u, 8u}) {
    apps::Site site;
    site.fields = {field_of(SILLAGE_KIND_SEQUENCE, "q"), field_of(SILLAGE_KIND_TEXT_SEQUENCE, "t")};
    for (apps::Field& field : site.fields) field.count = bytes;
    const auto event = event_class_of(site);
    for (std::size_t i : {0u, 2u}) {
      const auto* length =
          event.payload->as<ctf::Structure>()->members[i].field_class->as<ctf::Integer>();
      ASSERT_NE(length, nullptr);
      EXPECT_EQ(length->layout.length_bits, bytes == 0 ? 32 : bytes * 8);
    }
  }
}

TEST(EventClass, FieldsForFiltersOnly_AreNotInTheRecord) {
  apps::Site site;
  site.fields = {field_of(SILLAGE_KIND_INTEGER, "shown"),
                 field_of(SILLAGE_KIND_INTEGER, "hidden", 4, SILLAGE_FIELD_NOWRITE)};
  const auto event = event_class_of(site);
  ASSERT_EQ(event.payload->as<ctf::Structure>()->members.size(), 1u);
  EXPECT_EQ(event.payload->as<ctf::Structure>()->members[0].name, "shown");
}

}  // namespace
}  // namespace sillage::daemon
