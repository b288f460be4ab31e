// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "base/units.hpp"
#include "ring/kernel_geometry.hpp"
#include "ring/kernel_stream.hpp"
#include "ring/kernel_stream_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>

namespace sillage::ring {

/// The ring of a kernel channel: a BPF array map that programs write and this process has mapped.
///
/// Lifetime: the mapping and the descriptor live as long as this object; readers made from it must
///           not outlive it. The map itself lives as long as programs, pins or descriptors hold it.
/// Threads:  fd() and geometry() from any; the rest from the one thread that reads.
/// Source:   src/abi/kernel_ring.h.
class KernelRing {
 public:
  /// Where counting starts in a new ring; not 0 only in tests of what happens when the position's
  /// parts wrap.
  struct Start {
    std::uint64_t sequence = 0, event = 0;
  };

  /// Maps a new map, all zero, and begins the first sub-buffer of each of its streams at `now`.
  ///
  /// `map` is a BPF_MAP_TYPE_ARRAY with BPF_F_MMAPABLE, `geometry.cpu_count` elements of
  /// `geometry.stride` bytes; no program writes to it yet.
  ///
  /// Errors: those of mmap.
  [[nodiscard]] static Result<KernelRing> create(Fd map, const KernelRingGeometry& geometry,
                                                 Nanoseconds now, Start start);
  [[nodiscard]] static Result<KernelRing> create(Fd map, const KernelRingGeometry& geometry,
                                                 Nanoseconds now) {
    return create(std::move(map), geometry, now, Start{});
  }

  /// Maps a map that an earlier daemon made and programs may be writing to, and takes its place.
  ///
  /// `stride` and `cpu_count` are the map's value_size and max_entries. What that daemon was at when
  /// it was killed is completed.
  ///
  /// Errors: kCorrupt   this is no ring of ours, or of another release; the message says why.
  ///         kNotReady  a program is held up in the middle of a record; try again.
  ///         those of mmap.
  [[nodiscard]] static Result<KernelRing> open(Fd map, std::uint64_t stride,
                                               std::uint32_t cpu_count);

  KernelRing(KernelRing&& other) noexcept;
  KernelRing& operator=(KernelRing&& other) noexcept;
  ~KernelRing();

  [[nodiscard]] int fd() const { return fd_.value(); }
  [[nodiscard]] const KernelRingGeometry& geometry() const { return geometry_; }

  /// The stream of a CPU, which must be below `geometry().cpu_count`.
  [[nodiscard]] KernelStream stream(std::uint32_t cpu) const;
  /// A reader of it; one per stream.
  [[nodiscard]] KernelStreamReader reader(std::uint32_t cpu) const {
    return KernelStreamReader(stream(cpu));
  }

  /// Has the next writer that begins a sub-buffer, of any stream, post to the wake-up map.
  ///
  /// Look at the streams once more between this and the sleep: one begun before it posted nothing.
  void arm() const;

 private:
  KernelRing(Fd fd, std::byte* memory, const KernelRingGeometry& geometry)
      : fd_(std::move(fd)), memory_(memory), geometry_(geometry) {}
  [[nodiscard]] static Result<std::byte*> map_memory(int fd, std::uint64_t bytes);
  void unmap();

  Fd fd_;
  std::byte* memory_ = nullptr;
  KernelRingGeometry geometry_;
};

}  // namespace sillage::ring
