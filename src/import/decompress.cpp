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

void ZstdStream::Free::operator()(void* stream) const {
  ZSTD_freeDStream(static_cast<ZSTD_DStream*>(stream));
}

ZstdStream::ZstdStream() : stream_(ZSTD_createDStream()) {
  if (!stream_) return;
  // What a stream may make us hold for what it refers back to; perf's are some MiB.
  constexpr int kLongestWindowLog = 25;
  ZSTD_DCtx_setParameter(static_cast<ZSTD_DStream*>(stream_.get()), ZSTD_d_windowLogMax,
                         kLongestWindowLog);
}

Status ZstdStream::append(std::span<const std::byte> piece, std::vector<std::byte>* out) {
  if (!stream_) return fail(Code::kNoSpace, "no memory to decompress with");
  constexpr std::size_t kStepBytes = 128u << 10;
  ZSTD_inBuffer in{piece.data(), piece.size(), 0};
  while (true) {
    const std::size_t begin = out->size();
    if (begin + kStepBytes > kMaxDecompressedBytes)
      return fail(Code::kLimit, "a compressed record becomes larger than 64 MiB");
    out->resize(begin + kStepBytes);
    ZSTD_outBuffer step{out->data() + begin, kStepBytes, 0};
    const std::size_t status =
        ZSTD_decompressStream(static_cast<ZSTD_DStream*>(stream_.get()), &step, &in);
    out->resize(begin + step.pos);
    if (ZSTD_isError(status) != 0) return fail(Code::kCorrupt, "compressed data is damaged");
    // A full step may have left something inside.
    if (in.pos == in.size && step.pos < kStepBytes) return {};
  }
}

}  // namespace sillage::import
