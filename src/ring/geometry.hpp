// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "base/result.hpp"
#include "base/units.hpp"

#include <cstdint>

namespace sillage::ring {

/// What a channel asks of its ring. The defaults are LTTng's for per-user rings of user space.
struct RingOptions {
  /// Bytes of one sub-buffer; rounded up to a power of two, at least a page.
  ByteCount subbuf_bytes{512 * 1024};
  /// Sub-buffers of one stream; rounded up to a power of two, at least 2.
  std::uint32_t subbuf_count = 4;
  /// Flight recorder: when full, the oldest sub-buffer is lost; else the newest event is.
  bool overwrite = false;
  /// Streams follow the process's concurrency (mm_cid) instead of the CPU: for per-process rings.
  bool by_mm_cid = false;
  /// One buffer for all CPUs: SILLAGE_RING_SHARED_STREAMS streams, of which writers take the first that is free.
  bool one_for_all = false;
  /// Takes the memory of the online CPUs' streams now, so that a lack of it is an error here and
  /// not later.
  bool preallocate = true;
  /// How long a writer may wait for room: 0 = not at all, UINT64_MAX = for ever. Discard mode only.
  Nanoseconds blocking_timeout{0};
  /// Where counting starts. Not 0 only in tests of what happens when the position's parts wrap.
  std::uint64_t first_sequence = 0, first_event = 0;
};

/// The options of a per-process ring with LTTng's default sizes (parity C2).
[[nodiscard]] inline RingOptions per_process_defaults() {
  RingOptions options;
  options.subbuf_bytes = ByteCount{16 * 1024};
  options.by_mm_cid = true;
  options.preallocate = false;
  return options;
}

/// Where everything lies in a ring: the collector's own copy, never read back from shared memory.
///
/// Shape:  subbuf_bytes and subbuf_count are powers of two within the limits of abi/ring.h.
/// Source: src/abi/ring.h.
struct RingGeometry {
  std::uint64_t subbuf_bytes = 0;
  std::uint32_t subbuf_count = 0;
  std::uint32_t index_count = 0;
  std::uint32_t stream_count = 0;
  bool overwrite = false;
  std::uint64_t streams_offset = 0, stream_stride = 0;
  std::uint64_t data_offset = 0, data_stride = 0;
  std::uint64_t total_bytes = 0;

  /// Lays out a ring for `index_count` possible CPUs, or one for all of them.
  ///
  /// Errors: kInvalidArgument  a size beyond the limits of abi/ring.h; the message names it and the
  ///         limit.
  [[nodiscard]] static Result<RingGeometry> make(const RingOptions& options,
                                                 std::uint32_t index_count);
};

/// Number of CPUs this machine may ever have: one more than the highest in
/// `/sys/devices/system/cpu/possible`.
[[nodiscard]] Result<std::uint32_t> possible_cpu_count();

/// One more than the highest number in a kernel CPU list such as "0-3,8"; 0 if it cannot be one.
[[nodiscard]] std::uint32_t parse_cpu_list_end(const char* list);

}  // namespace sillage::ring
