// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/record_scanner.hpp"
#include "ring/bus_guard.hpp"
#include "ring/memory.hpp"
#include "ring/reader_progress.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

namespace sillage::collect {

/// What one recorder put into its file and what it could not; the writers' and the reader's losses
/// are the reader's.
struct RecorderCounts {
  std::uint64_t events = 0, packets = 0, bytes = 0;
  std::uint64_t lost_disk = 0;     ///< events in packets that could not be written
  std::uint64_t lost_corrupt = 0;  ///< events behind damage in a run
  std::uint64_t cut_packets = 0;   ///< runs with damage
};

/// Where a recorder stands in the file of its stream.
struct RecorderProgress {
  static constexpr std::uint64_t kNone = UINT64_MAX;
  StreamTime time;
  std::uint64_t unreadable = kNone;  ///< sub-buffer of which the rest cannot be read
  std::uint64_t end_ns = 0;          ///< of the last packet
  std::uint64_t packet = 0;          ///< number of the next
  std::uint64_t told_discarded = 0;  ///< as the last packet on disk says
  std::uint64_t file_packets = 0;    ///< in the file; 0: it is yet to be made
  std::uint32_t file_number = 0;     ///< of the file, where their size is limited
  RecorderCounts counts;
};

/// A stream's reader and recorder at one instant. Readers whose ring keeps their place leave `reader` empty.
struct StreamProgress {
  ring::ReaderProgress reader;
  RecorderProgress recorder;
};
static_assert(std::is_trivially_copyable_v<StreamProgress>);

/// How far the streams of a ring have been read and written: memory that outlives the collector, and that no program shares.
///
/// A packet is written in three steps, and whoever goes on after the collector was killed between two of them can tell
/// which was the last:
///
///   announce(after)   what will be true when the packet is in the file
///   (the packet, then its entry in the index)
///   settle()          it is true
///
/// What was announced is true if the packet of that number is in the file, and else what was settled is.
///
/// Threads: a stream is one thread's at a time.
class StreamLedger {
 public:
  /// Errors: those of ring::make_memory() and mmap.
  [[nodiscard]] static Result<StreamLedger> create(std::uint32_t stream_count,
                                                   const ring::MemoryPlace& place = {});
  /// One in memory of the caller's, such as a map of the kernel's, of memory_bytes() or more.
  ///
  /// Errors: those of mmap.
  [[nodiscard]] static Result<StreamLedger> place(Fd memory, std::uint32_t stream_count);
  [[nodiscard]] static std::uint64_t memory_bytes(std::uint32_t stream_count);
  /// One that an earlier collector has made.
  ///
  /// Errors: kCorrupt, kUnsupported  it is none, or another release's.
  [[nodiscard]] static Result<StreamLedger> open(Fd memory, std::uint32_t stream_count);
  /// A file that outlived its collector: what is noted in this object stays in it.
  ///
  /// Errors: the same, with the offset of what cannot be.
  [[nodiscard]] static Result<StreamLedger> open_remains(const Fd& file, std::uint32_t stream_count,
                                                         const std::string& name);

  StreamLedger(StreamLedger&& other) noexcept;
  StreamLedger& operator=(StreamLedger&& other) noexcept;
  ~StreamLedger();

  [[nodiscard]] int fd() const { return fd_.value(); }

  void announce(std::uint32_t stream, const StreamProgress& after);
  void settle(std::uint32_t stream);
  /// Both, where no packet stands between.
  void note(std::uint32_t stream, const StreamProgress& now) {
    announce(stream, now);
    settle(stream);
  }
  [[nodiscard]] const StreamProgress& settled(std::uint32_t stream) const;
  /// What was announced last, if that is a packet more than what is settled.
  [[nodiscard]] const StreamProgress* announced(std::uint32_t stream) const;

 private:
  struct Page;
  StreamLedger(Fd fd, std::byte* memory, std::size_t bytes)
      : fd_(std::move(fd)), memory_(memory), bytes_(bytes) {}
  [[nodiscard]] static Result<StreamLedger> map(Fd memory, std::uint32_t stream_count, int sharing);
  [[nodiscard]] Page& page(std::uint32_t stream) const;

  Fd fd_;
  std::byte* memory_ = nullptr;
  std::size_t bytes_ = 0;
  ring::BusGuard guard_;  // of a file
};

}  // namespace sillage::collect
