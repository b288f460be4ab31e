// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "ring/bus_guard.hpp"
#include "ring/geometry.hpp"
#include "ring/memory.hpp"
#include "ring/stream_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace sillage::ring {

/// One ring: the memory that programs write and the collector reads, sealed or a file (MemoryPlace).
///
/// Files can be made shorter by whoever may open them: `is_cut()`.
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
  ///         kAlreadyExists    the place is a file that is there.
  [[nodiscard]] static Result<Ring> create(const RingOptions& options, Nanoseconds now,
                                           const MemoryPlace& place = {});

  /// A ring that an earlier process has made with these options and that programs may be writing.
  ///
  /// Errors: kCorrupt  the memory has another size, or is not sealed. Of a file that became shorter `is_cut()` says so.
  [[nodiscard]] static Result<Ring> open(Fd memory, const RingOptions& options,
                                         bool is_file = false);

  /// The ring of a file that nobody knows anything of but what it says itself, such as one that outlived its machine. The file
  /// stays as it is, whatever is read or released; programs may still be writing it.
  ///
  /// Errors: kCorrupt, kUnsupported  it is no ring, or one of another release, with the offset of what cannot be.
  [[nodiscard]] static Result<Ring> open_remains(const Fd& file, const std::string& name);

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

  /// Whether its file was made shorter while this object had it: what is read from then on is zeros and nobody's.
  [[nodiscard]] bool is_cut() const { return guard_.is_hit(); }
  /// Whether it is a file: its memory stays while it is read, as a writer must find room on a full file system, too.
  [[nodiscard]] bool is_file() const { return is_file_; }

 private:
  Ring(Fd fd, std::byte* memory, const RingGeometry& geometry)
      : fd_(std::move(fd)), memory_(memory), geometry_(geometry) {}
  [[nodiscard]] sillage_ring_header* header() const {
    return reinterpret_cast<sillage_ring_header*>(memory_);
  }

  [[nodiscard]] static Result<Ring> map(Fd fd, const RingGeometry& geometry, int sharing,
                                        bool is_file);
  void unmap();

  Fd fd_;
  std::byte* memory_ = nullptr;
  RingGeometry geometry_;
  bool is_file_ = false;
  BusGuard guard_;
  std::uint64_t first_sequence_ = 0, first_event_ = 0;
};

}  // namespace sillage::ring
