// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "ctf/model.hpp"
#include "import/tracing_data.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sillage::import {

/// A record of the kernel's ring buffer.
struct RingRecord {
  std::uint64_t time = 0;              ///< in the trace clock's unit
  std::span<const std::byte> bytes{};  ///< from `common_type` on; may have padding behind it
};

/// Reads the records of one page of the kernel's ring buffer.
///
///   0         u64 time of the page
///   commit    long: bytes of records; bit 31: events were lost before this page; bit 30: how many
///             stands behind the records, a long
///   data      records: u32 of 5 bits type or length and 27 bits time since the one before, then
///             1..28  length in 4 bytes, the record           0   u32 length with itself, record
///             29     padding: u32 length, or to the end      30  u32: more time, times 2^27
///             31     u32: with the 27 bits the time itself, but for its 5 highest bits
///
/// Lifetime: a view; `page` must outlive it and what it gives.
/// Source:   include/linux/ring_buffer.h, kernel/trace/ring_buffer.c.
class RingPage {
 public:
  /// Errors: kCorrupt  the page says that it has more bytes than it has.
  [[nodiscard]] static Result<RingPage> open(std::span<const std::byte> page,
                                             const PageLayout& layout, ctf::ByteOrder order);

  /// Events that the kernel lost between the page before and this one; 1 if it did not say how many.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

  /// The next record; none at the end.
  ///
  /// Errors: kCorrupt  a record ends behind the page's records: nothing can be read behind it.
  [[nodiscard]] Result<std::optional<RingRecord>> next();

  /// Where in the page it reads.
  [[nodiscard]] std::size_t offset() const { return base_ + at_; }

 private:
  RingPage() = default;

  std::span<const std::byte> records_;
  std::size_t base_ = 0, at_ = 0;
  ctf::ByteOrder order_ = ctf::kNativeByteOrder;
  std::uint64_t time_ = 0, lost_ = 0;
};

}  // namespace sillage::import
