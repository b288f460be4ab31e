// SPDX-License-Identifier: MIT
#pragma once

#include "abi/kernel_ring.h"
#include "base/result.hpp"
#include "base/units.hpp"

#include <cstdint>

namespace sillage::ring {

/// What a kernel channel asks of its ring. The defaults are LTTng's for kernel channels.
struct KernelRingOptions {
  /// Bytes of one sub-buffer; rounded up to a power of two, at least a page.
  ByteCount subbuf_bytes{1024 * 1024};
  /// Sub-buffers of one stream; rounded up to a power of two, at least 2.
  std::uint32_t subbuf_count = 4;
  /// Flight recorder: when full, the oldest sub-buffer is lost; else the newest event is.
  bool overwrite = false;
  /// How records begin: COMPACT is smaller up to 31 events, LARGE beyond.
  sillage_kernel_header header = SILLAGE_KERNEL_HEADER_COMPACT;
};

/// Where everything lies in the ring of a kernel channel: what the map is made with, programs are
/// emitted for and readers go by.
///
/// Shape:  subbuf_bytes and subbuf_count are powers of two within the limits of abi/kernel_ring.h.
/// Source: src/abi/kernel_ring.h.
struct KernelRingGeometry {
  std::uint64_t subbuf_bytes = 0;
  std::uint32_t subbuf_count = 0;
  std::uint32_t cpu_count = 0;  ///< possible CPUs: elements of the map
  bool overwrite = false;
  sillage_kernel_header header = SILLAGE_KERNEL_HEADER_COMPACT;
  std::uint64_t data_offset = 0;
  std::uint64_t stride = 0;  ///< bytes of one element: the map's value_size

  /// Lays out a ring for `cpu_count` possible CPUs.
  ///
  /// Errors: kInvalidArgument  a size beyond the limits of abi/kernel_ring.h; the message names it
  ///         and the limit.
  [[nodiscard]] static Result<KernelRingGeometry> make(const KernelRingOptions& options,
                                                       std::uint32_t cpu_count);

  [[nodiscard]] std::uint64_t total_bytes() const { return stride * cpu_count; }
  /// Bits of a time below its epoch: short record headers reach no further.
  [[nodiscard]] std::uint32_t epoch_bits() const {
    return header == SILLAGE_KERNEL_HEADER_LARGE ? SILLAGE_KERNEL_LARGE_EPOCH_BITS
                                                 : SILLAGE_RECORD_EPOCH_BITS;
  }
  /// The fewest bytes a record takes.
  [[nodiscard]] std::uint32_t min_record_bytes() const {
    return header == SILLAGE_KERNEL_HEADER_LARGE ? SILLAGE_KERNEL_LARGE_BYTES
                                                 : SILLAGE_RECORD_COMPACT_BYTES;
  }
  bool operator==(const KernelRingGeometry&) const = default;
};

}  // namespace sillage::ring
