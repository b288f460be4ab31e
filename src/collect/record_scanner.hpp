// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "collect/record_shape.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sillage::collect {

/// Where time stands in a stream between two records.
struct StreamTime {
  std::uint64_t last_ns = 0;  ///< of the last record, or the beginning of the sub-buffer
  std::uint64_t epoch = 0;    ///< last full time >> SILLAGE_RECORD_EPOCH_BITS

  /// Time as a sub-buffer begins.
  [[nodiscard]] static StreamTime at(std::uint64_t begin_ns) {
    return {begin_ns, begin_ns >> SILLAGE_RECORD_EPOCH_BITS};
  }
};

/// What a scan found.
struct Scan {
  std::size_t bytes = 0;      ///< of the whole, sound records at the start of what was scanned
  std::uint32_t records = 0;  ///< that many of them
  bool damaged = false;       ///< what stands behind `bytes` is no record of this channel
};

/// Steps over the records of a run: ids known, sizes inside, time never going back, never leaving
/// its epoch without a full time, never beyond a limit. What it accepts, any CTF reader can decode.
///
/// Cost:   1 to 2 ns a record of fixed size.
/// Source: src/abi/ring.h, event record header.
class RecordScanner {
 public:
  /// Adds the shape of the next event id, from 0 on.
  void add(RecordShape shape);

  /// Scans `bytes`, which start at a record; moves `time` to the last sound record.
  [[nodiscard]] Scan scan(std::span<const std::byte> bytes, std::uint64_t limit_ns,
                          StreamTime& time) const;

 private:
  // RecordShape::measure() of event `id`; kNoRecord if there is no such event.
  [[nodiscard]] std::size_t measure(std::uint32_t id, std::span<const std::byte> rest) const;

  std::vector<RecordShape> shapes_;
  // Whole records with a compact header, by id; 0 where the size varies or the id is unknown.
  std::array<std::uint64_t, SILLAGE_RECORD_ID_EXTENDED + 1> compact_bytes_{};
};

}  // namespace sillage::collect
