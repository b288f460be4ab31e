// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sillage::import {

/// How parts of a file are compressed.
enum class Compression : std::uint8_t { kNone, kZlib, kZstd };

/// Room for one decompressed part: what a part says of its own size is foreign. trace-cmd's chunks are
/// 40 KiB by default; the largest sections, of event formats, are a few MiB.
inline constexpr std::size_t kMaxDecompressedBytes = std::size_t{64} << 20;

/// Decompresses one part whose size is told beside it.
///
/// Errors: kCorrupt  not such data, or of another size.
///         kLimit    more than kMaxDecompressedBytes.
[[nodiscard]] Result<std::vector<std::byte>> decompress(Compression compression,
                                                        std::span<const std::byte> bytes,
                                                        std::uint64_t size);

/// Decompresses a zstd stream that comes in pieces.
///
/// Threads: one at a time.
class ZstdStream {
 public:
  ZstdStream();

  /// Appends what a piece decompresses to.
  ///
  /// Errors: kCorrupt  not such data; pieces behind it cannot be read either.
  ///         kLimit    `out` would become larger than kMaxDecompressedBytes.
  [[nodiscard]] Status append(std::span<const std::byte> piece, std::vector<std::byte>* out);

 private:
  struct Free {
    void operator()(void* stream) const;
  };
  std::unique_ptr<void, Free> stream_;
};

}  // namespace sillage::import
