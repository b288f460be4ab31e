// SPDX-License-Identifier: MIT
#pragma once

#include "abi/kernel_ring.h"
#include "base/result.hpp"
#include "base/units.hpp"
#include "ring/kernel_geometry.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sillage::ring {

/// One stream of a kernel ring in shared memory, and the moves that the reading side makes on it.
///
/// Sub-buffers are named by 64-bit numbers here; the ring knows as many of their bits as 40 bits of
/// bytes leave.
///
/// Lifetime: the mapping must outlive it. A view: copies are the same stream.
/// Threads:  one reading side at a time; writers as they like.
/// Source:   src/abi/kernel_ring.h.
class KernelStream {
 public:
  /// What an entry says of a sub-buffer.
  struct Entry {
    std::uint64_t sequence = 0, begin_ns = 0, events = 0, end_position = 0, end_ns = 0, lost = 0;
  };

  /// `memory` is the element of the map.
  KernelStream(const KernelRingGeometry& geometry, std::byte* memory)
      : geometry_(geometry), memory_(memory) {}

  /// Fills a zeroed element: the sub-buffer `first_sequence` is begun at `now` and empty, with
  /// `first_event` events before it.
  void initialise(std::uint32_t cpu, Nanoseconds now, std::uint64_t first_sequence,
                  std::uint64_t first_event);

  /// Takes over from a reader that may have been killed anywhere: checks what the reading side goes
  /// by, and completes the flush that it may have been at.
  ///
  /// Errors: kCorrupt   a number that cannot be; the message names it.
  ///         kNotReady  a writer is held up in the sub-buffer that was being flushed; try again.
  [[nodiscard]] Status adopt(std::uint32_t cpu);

  [[nodiscard]] sillage_kernel_stream& shared() const {
    return *reinterpret_cast<sillage_kernel_stream*>(memory_);
  }
  [[nodiscard]] const KernelRingGeometry& geometry() const { return geometry_; }

  [[nodiscard]] std::uint64_t position() const;
  /// Bytes from the start of a sub-buffer to a position; modular, so beyond 2^39 it is behind.
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t sequence, std::uint64_t position) const;
  /// Events reserved in this stream since the ring was made.
  [[nodiscard]] std::uint64_t events_now() const;

  /// Whether all of a sub-buffer is there to be read.
  [[nodiscard]] bool is_closed(std::uint64_t sequence) const;
  [[nodiscard]] Entry copy_entry(std::uint64_t sequence) const;
  /// Whether an entry copied is that of the sub-buffer.
  [[nodiscard]] bool is_of(const Entry& entry, std::uint64_t sequence) const;
  /// The records of a sub-buffer where they stand.
  [[nodiscard]] const std::byte* data(std::uint64_t sequence) const;

  /// Ends the sub-buffer in which `position` stands and begins the next.
  ///
  /// Returns false if that one cannot be begun now; true also if a writer came first: look at the
  /// position again.
  [[nodiscard]] bool begin_next(std::uint64_t sequence, std::uint64_t position);

  /// What of the events that the reader is done with is not in the trace.
  struct Missing {
    std::uint64_t overrun_events = 0, overrun_subbufs = 0;
    std::uint64_t corrupt_events = 0, corrupt_subbufs = 0;
    std::uint64_t unwritten_events = 0;  ///< given out, and not written to disk
  };
  /// As the last release() has it.
  [[nodiscard]] Missing missing() const;

  /// Gives everything below a sub-buffer back to the writers, and notes it for the next reader.
  void release(std::uint64_t sequence, std::uint64_t events_before, const Missing& missing);

  /// Has the next writer that begins a sub-buffer wake the reader.
  ///
  /// Look at the stream once more between this and the sleep: one begun before it woke nobody.
  void arm();

 private:
  enum class Flush { kDone, kWait };

  [[nodiscard]] std::uint64_t slot(std::uint64_t sequence) const {
    return sequence & (geometry_.subbuf_count - 1);
  }
  [[nodiscard]] std::uint64_t start_of(std::uint64_t sequence) const;
  [[nodiscard]] std::uint64_t committed_in(std::uint64_t sequence) const;
  [[nodiscard]] bool may_begin(std::uint64_t sequence) const;
  [[nodiscard]] Status check(std::uint32_t cpu) const;
  [[nodiscard]] Flush try_complete_flush();
  void make_moves(std::uint64_t sequence, std::uint64_t position, std::uint64_t time,
                  std::uint64_t events);

  KernelRingGeometry geometry_;
  std::byte* memory_;
};

}  // namespace sillage::ring
