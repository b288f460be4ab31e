// SPDX-License-Identifier: MIT
#include "import/decompress.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <string>

namespace sillage::import {

Result<std::vector<std::byte>> decompress(Compression compression, std::span<const std::byte> bytes,
                                          std::uint64_t size) {
  if (size > kMaxDecompressedBytes)
    return fail(Code::kLimit,
                "a compressed part of " + std::to_string(size) + " bytes is too large");
  if (compression == Compression::kNone) {
    if (bytes.size() != size) return fail(Code::kCorrupt, "a part has two sizes");
    return std::vector<std::byte>(bytes.begin(), bytes.end());
  }
  std::vector<std::byte> out(size);
  std::size_t got = 0;
  bool is_ok = false;
  if (compression == Compression::kZstd) {
    got = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
    is_ok = ZSTD_isError(got) == 0;
  } else {
    uLongf room = out.size();
    is_ok = ::uncompress(reinterpret_cast<Bytef*>(out.data()), &room,
                         reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) == Z_OK;
    got = room;
  }
  if (!is_ok || got != size) return fail(Code::kCorrupt, "compressed data is damaged");
  return out;
}

}  // namespace sillage::import
