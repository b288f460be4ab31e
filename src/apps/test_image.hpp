// SPDX-License-Identifier: MIT
// Images as programs make them, and as no sound program would, for tests.
#pragma once

#include "abi/catalog.h"
#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace sillage::apps::testing {

/// Builds the bytes of an image; every member may be set to something impossible before `bytes()`.
class ImageBuilder {
 public:
  ImageBuilder& event(const std::string& provider, const std::string& name,
                      std::uint8_t level = 13) {
    finish_event();
    put32(0);  // size, set by finish_event
    put8(level);
    put8(0);
    put16(0);  // fields
    put32(7);  // line
    for (const std::string& text : {provider, name, std::string("test.c"), std::string()})
      string(text);
    in_event_ = true;
    ++site_count_;
    return *this;
  }

  ImageBuilder& field(sillage_field_kind kind, std::uint8_t size, const std::string& name,
                      std::uint8_t flags = 0, std::uint32_t count = 0, std::uint8_t base = 10) {
    put8(static_cast<std::uint8_t>(kind));
    put8(size);
    put8(flags);
    put8(base);
    put32(count);
    string(name);
    string("");
    put32(0);
    ++field_count_;
    return *this;
  }

  ImageBuilder& string(const std::string& text) {
    put16(static_cast<std::uint16_t>(text.size()));
    catalog_.insert(catalog_.end(), text.begin(), text.end());
    return *this;
  }

  /// The image: header, gates of 0, catalogue.
  [[nodiscard]] std::vector<std::byte> bytes() {
    finish_event();
    sillage_image_header header = {};
    header.magic = SILLAGE_IMAGE_MAGIC;
    header.abi_major = SILLAGE_IMAGE_ABI_MAJOR;
    header.site_count = site_count_;
    header.word_bits = 64;
    header.gates_offset = sizeof header;
    header.catalog_offset = header.gates_offset + 8 * std::uint64_t{site_count_};
    header.catalog_bytes = catalog_.size();
    header.total_bytes = header.catalog_offset + catalog_.size();
    std::strcpy(header.path, "/bin/test");
    std::vector<std::byte> image(header.total_bytes);
    std::memcpy(image.data(), &header, sizeof header);
    if (!catalog_.empty())
      std::memcpy(image.data() + header.catalog_offset, catalog_.data(), catalog_.size());
    return image;
  }

 private:
  void finish_event() {
    if (!in_event_) return;
    while ((catalog_.size() - event_start_) % 8 != 0) put8(0);
    auto size = static_cast<std::uint32_t>(catalog_.size() - event_start_);
    std::memcpy(catalog_.data() + event_start_, &size, sizeof size);
    std::memcpy(catalog_.data() + event_start_ + 6, &field_count_, sizeof field_count_);
    in_event_ = false;
    field_count_ = 0;
    event_start_ = catalog_.size();
  }
  template <class T>
  void put(T value) {
    const auto* data = reinterpret_cast<const char*>(&value);
    catalog_.insert(catalog_.end(), data, data + sizeof value);
  }
  void put8(std::uint8_t value) { put(value); }
  void put16(std::uint16_t value) { put(value); }
  void put32(std::uint32_t value) { put(value); }

  std::vector<char> catalog_;
  std::size_t event_start_ = 0;
  std::uint32_t site_count_ = 0;
  std::uint16_t field_count_ = 0;
  bool in_event_ = false;
};

/// Overwrites a value of an image.
template <class T>
void poke(std::vector<std::byte>* image, std::size_t offset, T value) {
  std::memcpy(image->data() + offset, &value, sizeof value);
}

inline constexpr int kImageSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

/// The bytes in a memory file with these seals.
[[nodiscard]] inline Fd memory_file(const std::vector<std::byte>& bytes, int seals = kImageSeals) {
  Fd file(memfd_create("sillage-image", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (write(file.value(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return {};
  if (fcntl(file.value(), F_ADD_SEALS, seals) != 0) return {};
  return file;
}

}  // namespace sillage::apps::testing
