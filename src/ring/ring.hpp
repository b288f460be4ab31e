// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "ring/geometry.hpp"
#include "ring/stream_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace sillage::ring {

/// One ring: the sealed memory that programs write and the collector reads.
///
/// Lifetime: the mapping and the descriptor live as long as this object; readers made from it must
///           not outlive it. Programs that mapped it keep the memory; `discard_memory()` gives it
///           back before they let go.
/// Threads:  `fd()`, `geometry()` and `resident_bytes()` from any; the rest from the one thread that reads.
/// Source:   src/abi/ring.h.
class Ring {
 public:
  /// Makes a ring whose streams all have their first sub-buffer begun at `now`.
  ///
  /// Errors: kInvalidArgument  sizes beyond the limits of abi/ring.h.
  ///         kNoSpace          memory for the sub-buffers is not there; the message names how much.
  [[nodiscard]] static Result<Ring> create(const RingOptions& options, Nanoseconds now);

  /// A ring that an earlier process has made with these options and that programs may be writing.
  ///
  /// Errors: kCorrupt  the memory has another size, or is not sealed.
  [[nodiscard]] static Result<Ring> open(Fd memory, const RingOptions& options);

  Ring(Ring&& other) noexcept;
  Ring& operator=(Ring&& other) noexcept;
  ~Ring();

  /// The descriptor to hand to programs; still owned by this object.
  [[nodiscard]] int fd() const { return fd_.value(); }
  [[nodiscard]] const RingGeometry& geometry() const { return geometry_; }

  /// A reader of stream `index`, which must be below `geometry().stream_count`. One per stream.
  [[nodiscard]] StreamReader reader(std::uint32_t index) const;

  /// One that goes on where an earlier reader stood.
  [[nodiscard]] StreamReader reader(std::uint32_t index, const ReaderProgress& progress) const;

  /// The word to sleep on (a shared futex); writers add 1 when they switch sub-buffers while
  /// `arm()` holds.
  [[nodiscard]] std::uint32_t* doorbell() const { return &header()->doorbell; }
  /// Asks the next writer that switches sub-buffers to ring. Returns the doorbell's value to sleep
  /// on.
  ///
  /// Look at the streams once more between this and the sleep: a switch before it did not ring.
  [[nodiscard]] std::uint32_t arm() const;

  /// Frees the try-locks of a program that has died, so that nobody finds its streams taken.
  /// Nothing else is to repair: what it had not published never happened. Returns how many there
  /// were.
  ///
  /// `registration` is the program's, never given to another one (abi/ring.h,
  /// sillage_ring_stream.owner).
  [[nodiscard]] std::uint32_t release_locks(std::uint32_t registration) const;

  /// Bytes of the machine's memory that the sub-buffers of stream `index` take at this moment, of `data_stride`.
  [[nodiscard]] std::uint64_t resident_bytes(std::uint32_t index) const;

  /// Gives the sub-buffers' memory back to the system though programs still map it; what was not
  /// read is lost.
  [[nodiscard]] Status discard_memory() const;

 private:
  Ring(Fd fd, std::byte* memory, const RingGeometry& geometry)
      : fd_(std::move(fd)), memory_(memory), geometry_(geometry) {}
  [[nodiscard]] sillage_ring_header* header() const {
    return reinterpret_cast<sillage_ring_header*>(memory_);
  }

  void unmap();

  Fd fd_;
  std::byte* memory_ = nullptr;
  RingGeometry geometry_;
  std::uint64_t first_sequence_ = 0, first_event_ = 0;
};

}  // namespace sillage::ring
