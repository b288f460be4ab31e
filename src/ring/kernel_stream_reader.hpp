// SPDX-License-Identifier: MIT
#pragma once

#include "ring/kernel_stream.hpp"
#include "ring/run_source.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace sillage::ring {

/// Reads one stream of a kernel ring: closed sub-buffers in order, each as one run.
///
/// The writers are our own verified programs, so records and times are trusted. Numbers are checked
/// nevertheless where a wrong one would have us read outside; what contradicts itself is skipped
/// and counted as corrupt.
///
/// A sub-buffer goes back to the writers, and is accounted for, with the next call. Killed in between,
/// the next reader gives it out again, unless skip_written() says that it need not.
/// Discard mode: a run is the sub-buffer itself. A copy would free it earlier by the time of a write,
/// one of the ring's sub-buffers at the most, and cost a third of what writing to the page cache costs
/// (105 against 340 us a MiB).
/// Overwrite mode: a run is a copy in the caller's buffer, kept only if nobody can have written over
/// it. Skipped events are counted exactly, by the entries' 64-bit counts.
///
/// Lifetime: the mapping (KernelRing) must outlive it.
/// Threads:  one at a time.
/// Source:   src/abi/kernel_ring.h.
class KernelStreamReader final : public RunSource {
 public:
  /// A reader that goes on where the stream says the reader before it stopped.
  explicit KernelStreamReader(KernelStream stream);

  /// As RunSource says; `buffer` is used in overwrite mode alone. `flush` ends the open sub-buffer,
  /// if it has records, and begins the next: in overwrite mode at the cost of the oldest one.
  ///
  /// Cost: overwrite mode one copy of the run, discard mode none; a bounded number of sub-buffers
  ///       is looked at.
  [[nodiscard]] std::optional<Run> next_run(std::span<std::byte> buffer, bool flush) override;

  [[nodiscard]] const StreamLoss& loss() override;
  [[nodiscard]] std::uint64_t lost_by_writers() override;
  [[nodiscard]] std::uint64_t pending_events() const override;
  [[nodiscard]] std::uint64_t corrupt_events() const override { return loss_.corrupt_events; }
  [[nodiscard]] std::unique_ptr<RunSource> peek() const override;

  void note_unwritten(std::uint64_t events) override { unwritten_ += events; }

  /// Skips what the reader before this one wrote and did not come to release: sub-buffers that ended at `end_ns` or
  /// before. Call it before next_run().
  void skip_written(std::uint64_t end_ns);

  /// Events given out and not noted as unwritten, since the ring was made.
  [[nodiscard]] std::uint64_t written_events() const {
    return accounted_ - loss_.overrun_events - loss_.corrupt_events - unwritten_;
  }
  /// Events noted as unwritten since the ring was made.
  [[nodiscard]] std::uint64_t unwritten_events() const { return unwritten_; }

  /// Counts what is pending as corrupt: records whose writers never come to their end.
  void abandon();

 private:
  [[nodiscard]] std::uint64_t ring_bytes() const;
  [[nodiscard]] std::optional<Run> read_closed(std::span<std::byte> buffer);
  [[nodiscard]] std::span<const std::byte> take_bytes(std::uint64_t bytes,
                                                      std::span<std::byte> buffer) const;
  void skip_to(std::uint64_t sequence);
  void release();

  KernelStream stream_;
  std::uint64_t sequence_;   // of the sub-buffer to read next
  std::uint64_t accounted_;  // events before it: given out, overrun or corrupt
  bool peeks_ = false;       // gives nothing back, and leaves no place for the next reader
  bool lent_ = false;        // the sub-buffer before sequence_ is the caller's until the next call
  std::uint64_t skipped_ = 0;      // sub-buffers skipped since the last run
  std::uint64_t unwritten_ = 0;    // events given out that the disk refused
  std::uint64_t lost_ = 0;         // highest sum of the writers' counters seen
  std::uint64_t lost_at_end_ = 0;  // that sum when the last sub-buffer read was ended
  StreamLoss loss_;
};

}  // namespace sillage::ring
