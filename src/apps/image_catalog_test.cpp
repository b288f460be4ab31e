// SPDX-License-Identifier: MIT
#include "apps/image_catalog.hpp"

#include "apps/test_image.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>

namespace sillage::apps {
namespace {

using testing::ImageBuilder;
using testing::poke;

std::vector<std::byte> sound_image() {
  ImageBuilder builder;
  builder.event("app", "start", 6)
      .field(SILLAGE_KIND_INTEGER, 4, "count", SILLAGE_FIELD_SIGNED)
      .field(SILLAGE_KIND_STRING, 1, "what")
      .field(SILLAGE_KIND_ARRAY, 8, "samples", SILLAGE_FIELD_FLOAT_ELEMENTS, 3);
  builder.event("app", "stop");
  return builder.bytes();
}

template <class T>
Result<ImageCatalog> parse_with(std::size_t offset, T value) {
  auto image = sound_image();
  poke(&image, offset, value);
  return parse_image(image, Limits{});
}

// Where the first description's parts are.
const std::size_t kDescription = sizeof(sillage_image_header) + 2 * 8;
const std::size_t kLevel = kDescription + 4, kFieldCount = kDescription + 6,
                  kProviderLength = kDescription + 12;
const std::size_t kFirstField = kProviderLength + (2 + 3) + (2 + 5) + (2 + 6) + 2;

TEST(ImageCatalog, SoundImage_IsReadWhole) {
  auto catalog = parse_image(sound_image(), Limits{});
  ASSERT_TRUE(catalog) << catalog.error().text();
  ASSERT_EQ(catalog->sites.size(), 2u);
  const Site& start = catalog->sites[0];
  EXPECT_EQ(start.full_name(), "app:start");
  EXPECT_EQ(start.log_level, 6);
  EXPECT_EQ(start.file, "test.c");
  EXPECT_EQ(start.line, 7u);
  ASSERT_EQ(start.fields.size(), 3u);
  EXPECT_EQ(field_type_text(start.fields[0]), "int32");
  EXPECT_EQ(field_type_text(start.fields[1]), "string");
  EXPECT_EQ(field_type_text(start.fields[2]), "double[3]");
  EXPECT_EQ(catalog->path, "/bin/test");
}

TEST(ImageCatalog, Identity_IsTheRecordsShapeNotThePlace) {
  ImageBuilder builder;
  builder.event("a", "b").field(SILLAGE_KIND_INTEGER, 4, "x");
  builder.event("a", "b").field(SILLAGE_KIND_INTEGER, 4, "x");
  builder.event("a", "b").field(SILLAGE_KIND_INTEGER, 8, "x");
  builder.event("a", "b", 3).field(SILLAGE_KIND_INTEGER, 4, "x");
  auto image = builder.bytes();
  poke(&image, sizeof(sillage_image_header) + 4 * 8 + 8, std::uint32_t{99});  // line of the first
  auto catalog = parse_image(image, Limits{}).value();
  EXPECT_EQ(catalog.sites[0].line, 99u);
  EXPECT_EQ(catalog.sites[0].identity, catalog.sites[1].identity);
  EXPECT_NE(catalog.sites[0].identity, catalog.sites[2].identity);
  EXPECT_NE(catalog.sites[0].identity, catalog.sites[3].identity);
}

TEST(ImageCatalog, Malicious_HeaderExtremes) {
  using Header = sillage_image_header;
  EXPECT_EQ(parse_with(offsetof(Header, magic), std::uint64_t{1}).error().code, Code::kCorrupt);
  EXPECT_EQ(parse_with(offsetof(Header, abi_major), std::uint32_t{2}).error().code,
            Code::kUnsupported);
  EXPECT_TRUE(parse_with(offsetof(Header, abi_minor), std::uint32_t{9}));
  EXPECT_EQ(parse_with(offsetof(Header, word_bits), std::uint32_t{0}).error().code, Code::kCorrupt);
  EXPECT_EQ(parse_with(offsetof(Header, site_count), UINT32_MAX).error().code, Code::kLimit);
  for (std::size_t offset : {offsetof(Header, total_bytes), offsetof(Header, gates_offset),
                             offsetof(Header, catalog_offset), offsetof(Header, catalog_bytes)}) {
    for (std::uint64_t value :
         {UINT64_C(0), UINT64_C(1), UINT64_C(1) << 31, UINT64_MAX, UINT64_MAX - 7}) {
      EXPECT_FALSE(parse_with(offset, value)) << offset << " = " << value;
    }
  }
  // More sites than descriptions, fewer bytes than a header, none at all.
  EXPECT_FALSE(parse_with(offsetof(Header, site_count), std::uint32_t{3}));
  auto image = sound_image();
  image.resize(sizeof(Header) - 1);
  EXPECT_EQ(parse_image(image, Limits{}).error().code, Code::kCorrupt);
  EXPECT_FALSE(parse_image({}, Limits{}));
}

TEST(ImageCatalog, Malicious_DescriptionExtremes) {
  for (std::uint32_t size : {0u, 1u, 3u, 7u, 8u, 16u, 0x80000000u, 0xfffffff8u, 0xffffffffu}) {
    auto catalog = parse_with(kDescription, size);
    ASSERT_FALSE(catalog) << size;
    EXPECT_FALSE(catalog.error().location.empty());
  }
  EXPECT_FALSE(parse_with(kLevel, std::uint8_t{15}));
  EXPECT_FALSE(parse_with(kLevel, std::uint8_t{255}));
  EXPECT_EQ(parse_with(kFieldCount, std::uint16_t{0xffff}).error().code, Code::kLimit);
  EXPECT_FALSE(parse_with(kFieldCount, std::uint16_t{200}));
  for (std::uint16_t length : {std::uint16_t{0}, std::uint16_t{0x8000}, std::uint16_t{0xffff}}) {
    EXPECT_FALSE(parse_with(kProviderLength, length)) << length;
  }
  EXPECT_FALSE(parse_with(kProviderLength + 2, char{0}));  // a NUL inside of a name
}

TEST(ImageCatalog, Malicious_FieldExtremes) {
  ASSERT_TRUE(parse_with(kFirstField, std::uint8_t{SILLAGE_KIND_ENUM}));
  for (int kind : {0, 12, 255})
    EXPECT_FALSE(parse_with(kFirstField, static_cast<std::uint8_t>(kind))) << kind;
  for (int size : {0, 3, 16, 255})
    EXPECT_FALSE(parse_with(kFirstField + 1, static_cast<std::uint8_t>(size))) << size;
  EXPECT_FALSE(parse_with(kFirstField + 2, std::uint8_t{0x80}));
  for (int base : {0, 1, 36})
    EXPECT_FALSE(parse_with(kFirstField + 3, static_cast<std::uint8_t>(base))) << base;
  EXPECT_EQ(parse_with(kFirstField + 4, UINT32_MAX).error().code, Code::kLimit);
  const std::size_t labels = kFirstField + 8 + (2 + 5) + 2;
  EXPECT_EQ(parse_with(labels, UINT32_MAX).error().code, Code::kLimit);
  EXPECT_FALSE(parse_with(labels, std::uint32_t{4000}));
}

TEST(ImageCatalog, LengthOfSequences_IsOneTwoFourOrEightBytes) {
  for (int kind : {SILLAGE_KIND_SEQUENCE, SILLAGE_KIND_TEXT_SEQUENCE}) {
    for (std::uint32_t bytes : {0u, 1u, 2u, 3u, 4u, 5u, 8u, 9u, 257u, UINT32_MAX}) {
      auto image = ImageBuilder()
                       .event("app", "q")
                       .field(static_cast<sillage_field_kind>(kind), 1, "q", 0, bytes)
                       .bytes();
      const bool can_be = bytes == 0 || bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
      EXPECT_EQ(parse_image(image, Limits{}).has_value(), can_be) << kind << ' ' << bytes;
    }
  }
}

TEST(ImageCatalog, Limits_OfNames) {
  ImageBuilder fits, too_long;
  fits.event("p", std::string(253, 'n'));
  too_long.event("p", std::string(254, 'n'));
  EXPECT_TRUE(parse_image(fits.bytes(), Limits{}));
  EXPECT_EQ(parse_image(too_long.bytes(), Limits{}).error().code, Code::kLimit);
}

TEST(ImageCatalog, Malicious_EveryTruncationAndByteIsSurvived) {
  const auto sound = sound_image();
  for (std::size_t size = 0; size < sound.size(); ++size) {
    auto image =
        std::vector<std::byte>(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size));
    if (size >= sizeof(sillage_image_header)) {
      poke(&image, offsetof(sillage_image_header, total_bytes), std::uint64_t{size});
    }
    EXPECT_FALSE(parse_image(image, Limits{}));
  }
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    auto image = sound;
    for (int i = 0; i < 3; ++i) image[random() % image.size()] = static_cast<std::byte>(random());
    (void)parse_image(image, Limits{});
  }
}

}  // namespace
}  // namespace sillage::apps
