// SPDX-License-Identifier: MIT
// trace-cmd's files, versions 6 and 7: headers, options, and where the pages of each CPU are.
#pragma once

#include "base/result.hpp"
#include "import/decompress.hpp"
#include "import/input.hpp"
#include "import/tracing_data.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sillage::import {

/// Pages of one CPU: `size` bytes of the file, which are pages, or chunks of compressed pages.
struct CpuPages {
  std::uint32_t cpu = 0;
  std::uint64_t offset = 0, size = 0;
};

/// A ring buffer: the top one, or a named instance's.
struct RingBuffer {
  std::string name{};   ///< "" = the top one
  std::string clock{};  ///< as in tracefs: local, global, mono ...; "" = not said
  std::uint32_t page_bytes = 4096;
  Compression compression = Compression::kNone;
  std::vector<CpuPages> cpus{};
};

/// How times of the TSC become nanoseconds: (time - offset) * multiplier >> shift.
struct TscConversion {
  std::uint32_t multiplier = 0, shift = 0;
  std::uint64_t offset = 0;
};

/// What a file says beside its events.
struct TraceDat {
  TracingData tracing{};
  std::vector<RingBuffer> buffers{};
  std::string uname{};                                 ///< "Linux HOST RELEASE MACHINE"
  std::string recorder_version{};                      ///< of trace-cmd
  std::optional<std::int64_t> wall_clock_offset_ns{};  ///< time of day minus trace clock (--date)
  std::int64_t offset_ns = 0;                          ///< to be added to all times (--ts-offset)
  std::optional<TscConversion> tsc{};
  bool is_guest = false;  ///< it says how its times become those of the host it ran on
};

/// Reads all of a file but its events.
///
/// Errors: kCorrupt      a part is missing or not what it claims.
///         kUnsupported  a later version, latency text instead of records, an unknown compression.
///         kLimit        more of something than any machine has.
/// Source: trace-cmd.dat.v6(5), trace-cmd.dat.v7(5); behaviour of trace-cmd 3.1.6.
[[nodiscard]] Result<TraceDat> read_trace_dat(const Input& input);

/// Gives the pages of one CPU one after the other.
class PageReader {
 public:
  /// `input` must outlive the reader.
  PageReader(const Input& input, const RingBuffer& buffer, const CpuPages& pages,
             ctf::ByteOrder order);

  /// The next page; empty at the end. Valid until the next call.
  ///
  /// Errors: kCorrupt  the file ends early, or compressed data is damaged; the next call goes on behind
  ///         it if that can be told, and gives the end if not.
  [[nodiscard]] Result<std::span<const std::byte>> next();

  /// Where the last page, or the chunk that it was in, stands in the file.
  [[nodiscard]] std::uint64_t offset() const { return place_; }

 private:
  [[nodiscard]] Status read_chunk();

  const Input& input_;
  Compression compression_;
  std::uint32_t page_bytes_;
  ctf::ByteOrder order_;
  std::uint64_t at_, end_;
  std::uint64_t place_ = 0;
  std::uint32_t chunks_left_ = 0;
  bool is_begun_ = false;
  std::vector<std::byte> bytes_;  // a page, or the pages of a chunk
  std::size_t used_ = 0;          // of `bytes_`
};

}  // namespace sillage::import
