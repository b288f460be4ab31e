// SPDX-License-Identifier: MIT
// Hostile registration messages and images against the daemon's parsers (F10). The first byte says which: a message, an
// image as it comes, or a sound image with the rest of the input as a list of changes to it.
#include "apps/app_message.hpp"
#include "apps/image_catalog.hpp"
#include "apps/test_image.hpp"
#include "base/byte_cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

namespace {

using namespace sillage;

// Unlike assert(), in every build.
void expect(bool condition) {
  if (!condition) std::abort();
}

void check_message(std::span<const std::byte> bytes) {
  auto request = apps::parse_app_request(bytes);
  if (!request) {
    expect(!request.error().message.empty());
    return;
  }
  expect(request->type >= SILLAGE_APP_REGISTER && request->type <= SILLAGE_APP_UNREGISTER);
  expect(request->name.size() <= 16);
}

void check_image(std::span<const std::byte> bytes) {
  const apps::Limits limits;
  auto catalog = apps::parse_image(bytes, limits);
  if (!catalog) {
    expect(!catalog.error().message.empty());
    return;
  }
  // What ImageControl relies on: every gate lies inside.
  expect(catalog->gates_offset % 8 == 0);
  expect(catalog->gates_offset >= offsetof(sillage_image_header, listens));  // of older programs
  expect(catalog->gates_offset + 8 * catalog->sites.size() <= bytes.size());
  for (const apps::Site& site : catalog->sites) {
    expect(site.log_level <= 14 && !site.provider.empty() && !site.name.empty());
    expect(site.full_name().size() <= SILLAGE_CATALOG_MAX_NAME);
    for (const apps::Field& field : site.fields) {
      expect(!apps::field_type_text(field).empty());
      expect(field.count <= limits.field_count && field.labels.size() <= limits.field_labels);
    }
  }
}

std::vector<std::byte> sound_image() {
  apps::testing::ImageBuilder builder;
  builder.event("app", "start", 6)
      .field(SILLAGE_KIND_INTEGER, 4, "count", SILLAGE_FIELD_SIGNED)
      .field(SILLAGE_KIND_STRING, 1, "what")
      .field(SILLAGE_KIND_SEQUENCE, 8, "samples", SILLAGE_FIELD_FLOAT_ELEMENTS);
  builder.event("app", "stop").field(SILLAGE_KIND_ENUM, 1, "state");
  return builder.bytes();
}

/// Each change: u16 place, u8 new value; the last byte left over cuts the image short.
void check_changed_image(std::span<const std::byte> input) {
  auto image = sound_image();
  ByteCursor changes(input);
  while (changes.left() >= 3) {
    auto place = changes.take<std::uint16_t>();
    auto value = changes.take<std::byte>();
    image[*place % image.size()] = *value;
  }
  if (auto cut = changes.take<std::uint8_t>()) image.resize(image.size() - *cut % image.size());
  check_image(image);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // A copy of exactly this size: a sanitizer sees every byte read behind it.
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  const std::vector<std::byte> input(bytes + 1, bytes + size);
  switch (data[0] % 3) {
    case 0: check_message(input); break;
    case 1: check_image(input); break;
    default: check_changed_image(input); break;
  }
  return 0;
}
