// SPDX-License-Identifier: MIT
#pragma once

#include "ring/run_source.hpp"

#include <cstdint>
#include <type_traits>

namespace sillage::ring {

/// Where the reader of a stream stands, and all it knows: what another process needs to read on.
///
/// Plain bytes, copied as they are into memory that outlives the reader. It is the collector's own: a program that writes
/// the ring cannot reach it.
struct ReaderProgress {
  /// What the writers say of a sub-buffer (sillage_ring_entry).
  struct Entry {
    std::uint64_t sequence = 0, begin_ns = 0, events = 0, previous_end = 0, lost = 0;
  };
  std::uint64_t sequence = 0;  ///< of the sub-buffer to read from
  std::uint64_t read = 0;      ///< bytes of it given out already
  std::uint64_t accounted =
      0;        ///< events before the next byte to read: given out, overrun or corrupt
  Entry entry;  ///< of that sub-buffer, if `is_placed`; else it is to be found from `floor` on
  std::uint64_t floor = 0;  ///< not placed: the first sub-buffer that may be read
  bool is_placed = false;
  bool skips_corrupt = false;   ///< not placed: what lies between is corrupt rather than overrun
  std::uint64_t delivered = 0;  ///< events given out as runs since the start
  std::uint64_t skipped = 0;    ///< sub-buffers skipped since the last run
  std::uint64_t lost = 0;       ///< highest sum of the writers' counters seen
  StreamLoss loss;
};
static_assert(std::is_trivially_copyable_v<ReaderProgress>);

}  // namespace sillage::ring
