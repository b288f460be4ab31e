// SPDX-License-Identifier: MIT
#include "symbols/debug_files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <filesystem>

namespace sillage::symbols {
namespace {

constexpr const char* kSystemDirectory = "/usr/lib/debug";

/// CRC-32 of IEEE 802.3, byte by byte.
constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit)
      value = (value & 1) != 0 ? value >> 1 ^ 0xedb8'8320 : value >> 1;
    table[i] = value;
  }
  return table;
}();

Fd open_file(const std::string& path) {
  return Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
}

std::string build_id_path(const MappedObject& object) {
  std::string text = "/.build-id/";
  for (std::size_t i = 0; i < object.build_id.size(); ++i) {
    if (i == 1) text += '/';
    text += "0123456789abcdef"[object.build_id[i] >> 4];
    text += "0123456789abcdef"[object.build_id[i] & 15];
  }
  return text + ".debug";
}

}  // namespace

bool has_checksum(const Fd& file, std::uint32_t wanted) {
  std::uint32_t crc = 0xffff'ffff;
  std::array<std::uint8_t, 65536> block{};
  for (off_t at = 0;;) {
    const ssize_t got = pread(file.value(), block.data(), block.size(), at);
    if (got < 0) return false;
    if (got == 0) break;
    for (ssize_t i = 0; i < got; ++i)
      crc = crc >> 8 ^ kCrcTable[(crc ^ block[static_cast<std::size_t>(i)]) & 255];
    at += got;
  }
  return (crc ^ 0xffff'ffff) == wanted;
}

Fd open_debug_file(const MappedObject& object, const SearchOptions& options, std::string* path) {
  const std::string directory = options.debug_directory.empty()
                                    ? options.target_prefix + kSystemDirectory
                                    : options.debug_directory;
  if (object.build_id.size() > 1) {
    *path = directory + build_id_path(object);
    // Who put it there says what it is of.
    if (Fd file = open_file(*path); file) return file;
  }
  // A name, not a path: it is from a file that somebody else wrote.
  if (object.debug_link.empty() || object.debug_link.find('/') != std::string::npos) return {};
  const std::string own = std::filesystem::path(object.path).parent_path();
  const std::string beside = options.target_prefix + own;
  for (const std::string& place : {beside, beside + "/.debug", directory + own, directory}) {
    *path = place + "/" + object.debug_link;
    if (Fd file = open_file(*path); file && has_checksum(file, object.debug_link_crc)) return file;
  }
  return {};
}

}  // namespace sillage::symbols
