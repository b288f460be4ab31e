// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "ring/geometry.hpp"
#include "ring/reader_progress.hpp"
#include "ring/run_source.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace sillage::ring {

/// Reads one stream of a ring: sub-buffers in order, each as a private copy.
///
/// Every byte of the stream's memory may change at any time to any value: what is decided is
/// decided on copies, the reader's own place is kept here, and each call does a bounded amount of
/// work. A sub-buffer whose accounts contradict each other is skipped and counted, and reading goes
/// on at the current position.
///
/// Overwrite mode: sub-buffer k is kept if, behind the copy, the current one is at most k +
/// subbuf_count - 1. That is one more than abi/ring.h allows someone who comes without knowing k's
/// entry: this reader copied the entry earlier, and the data of k's slot is only written once k +
/// subbuf_count is published.
///
/// Lifetime: the memory it reads (Ring) must outlive it.
/// Threads:  one at a time.
/// Source:   src/abi/ring.h.
class StreamReader final : public RunSource {
 public:
  /// A reader that begins at the sub-buffer `first_sequence`, with `first_event` events before it.
  StreamReader(const RingGeometry& geometry, std::byte* control, const std::byte* data,
               std::uint64_t first_sequence, std::uint64_t first_event);

  /// Goes on where an earlier reader of this stream stood.
  StreamReader(const RingGeometry& geometry, std::byte* control, const std::byte* data,
               const ReaderProgress& progress);

  /// As RunSource says, always a private copy in `buffer`. In discard mode a closed sub-buffer is
  /// given back to the writers by the next call: who is killed before has lost nothing.
  ///
  /// Cost: one copy of the run; at most 8 sub-buffers are looked at.
  [[nodiscard]] std::optional<Run> next_run(std::span<std::byte> buffer, bool flush) override;

  [[nodiscard]] const StreamLoss& loss() override;
  [[nodiscard]] std::uint64_t lost_by_writers() override;
  [[nodiscard]] std::uint64_t pending_events() const override;
  [[nodiscard]] std::uint64_t corrupt_events() const override { return at_.loss.corrupt_events; }
  [[nodiscard]] std::unique_ptr<RunSource> peek() const override;

  /// As RunSource says, in discard mode; nothing in overwrite mode, whose sub-buffers hold what has not been read.
  ///
  /// The sub-buffer in which writers are and the one behind it keep their memory. Meanwhile writers have these two: who fills
  /// both within that time loses events, counted as ever.
  ///
  /// Cost:   two system calls a sub-buffer, some 10 us for 512 KiB; writers then take 4 KiB at a time again.
  /// Errors: those of madvise(MADV_REMOVE), as where a page is larger than a sub-buffer.
  [[nodiscard]] Result<Reclaimed> reclaim_memory(Nanoseconds ended_before) override;

  /// Has it leave the memory of what was read where it is.
  void keep_memory() { keeps_memory_ = true; }

  /// Events given out as runs since the start.
  [[nodiscard]] std::uint64_t delivered_events() const { return at_.delivered; }

  /// Where it stands: behind the run that was given out last.
  [[nodiscard]] const ReaderProgress* progress() const override { return &at_; }

 private:
  using Entry = ReaderProgress::Entry;
  enum class Skip : bool { kOverrun, kCorrupt };

  [[nodiscard]] std::uint64_t position() const;
  [[nodiscard]] Entry copy_entry(std::uint64_t sequence) const;
  [[nodiscard]] std::uint64_t start_of(std::uint64_t sequence) const;
  [[nodiscard]] std::uint64_t bytes_from(std::uint64_t sequence, std::uint64_t position) const;
  [[nodiscard]] bool overrun() const;
  [[nodiscard]] bool place();
  [[nodiscard]] bool place_at(std::uint64_t candidate);
  [[nodiscard]] std::optional<Run> read_open(std::uint64_t end, std::uint64_t position,
                                             std::span<std::byte> buffer);
  [[nodiscard]] std::optional<Run> read_closed(std::span<std::byte> buffer);
  void copy_data(std::uint64_t bytes, std::span<std::byte> buffer) const;
  void skip(Skip why, std::uint64_t next);
  [[nodiscard]] std::uint64_t end_of(std::uint64_t sequence) const;
  [[nodiscard]] Result<std::uint64_t> remove_pages(std::uint64_t sequence) const;
  void release(std::uint64_t sequence);
  [[nodiscard]] Run take(std::span<std::byte> buffer, std::uint64_t bytes, std::uint64_t events);

  RingGeometry geometry_;
  sillage_ring_stream* control_;
  const sillage_ring_entry* entries_;
  const std::byte* data_;

  ReaderProgress at_;
  bool is_lent_ = false;  // the sub-buffer before at_.sequence has not been released yet
  bool peeks_ = false;    // gives nothing back
  bool keeps_memory_ = false;
  std::uint64_t reclaimed_ = 0;  // sub-buffers before it have no memory, or belong to later ones
};

}  // namespace sillage::ring
