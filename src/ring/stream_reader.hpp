// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "ring/geometry.hpp"
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

  /// As RunSource says, always a private copy in `buffer`. In discard mode a closed sub-buffer is
  /// given back to the writers before this returns.
  ///
  /// Cost: one copy of the run; at most 8 sub-buffers are looked at.
  [[nodiscard]] std::optional<Run> next_run(std::span<std::byte> buffer, bool flush) override;

  [[nodiscard]] const StreamLoss& loss() override;
  [[nodiscard]] std::uint64_t lost_by_writers() override;
  [[nodiscard]] std::uint64_t pending_events() const override;
  [[nodiscard]] std::uint64_t corrupt_events() const override { return loss_.corrupt_events; }
  [[nodiscard]] std::unique_ptr<RunSource> peek() const override;

  /// Events given out as runs since the start.
  [[nodiscard]] std::uint64_t delivered_events() const { return delivered_; }

 private:
  struct Entry {
    std::uint64_t sequence = 0, begin_ns = 0, events = 0, previous_end = 0, lost = 0;
  };
  enum class Skip { kOverrun, kCorrupt };

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
  void release(std::uint64_t sequence);
  [[nodiscard]] Run take(std::span<std::byte> buffer, std::uint64_t bytes, std::uint64_t events);

  RingGeometry geometry_;
  sillage_ring_stream* control_;
  const sillage_ring_entry* entries_;
  const std::byte* data_;

  std::uint64_t sequence_;   // of the sub-buffer to read from
  std::uint32_t read_ = 0;   // bytes of it given out already
  std::uint64_t accounted_;  // events before the next byte to read: given out, overrun or corrupt
  bool peeks_ = false;       // gives nothing back
  bool placed_ = false;      // entry_ is that of sequence_; else it is to be found from floor_ on
  Entry entry_;
  std::uint64_t floor_;        // not placed: the first sub-buffer that may be read
  Skip why_ = Skip::kOverrun;  // not placed: how to count what lies between
  std::uint64_t delivered_ = 0;
  std::uint64_t skipped_ = 0;  // sub-buffers skipped since the last run
  std::uint64_t lost_ = 0;     // highest sum of the writers' counters seen
  StreamLoss loss_;
};

}  // namespace sillage::ring
