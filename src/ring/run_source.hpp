// SPDX-License-Identifier: MIT
#pragma once

#include "abi/ring.h"
#include "base/result.hpp"
#include "base/units.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

namespace sillage::ring {

/// A run of event records of one sub-buffer, checked against its accounts.
///
/// The records themselves are not looked at: that they are `events` whole ones is what the writers
/// say, and so are the times.
struct Run {
  std::span<const std::byte> bytes;  ///< valid until the next call on the source
  std::uint64_t sequence = 0;        ///< number of the sub-buffer since the start
  std::uint32_t offset = 0;  ///< of `bytes` in the sub-buffer; not 0 behind a flush of the same one
  bool closed = false;       ///< nothing will follow in this sub-buffer
  std::uint64_t begin_ns = 0;  ///< when the sub-buffer was begun: its first full time
  std::uint64_t end_ns = 0;    ///< closed: when the next one was begun; else 0
  std::uint32_t events = 0;    ///< records in `bytes`; never more than 4-byte records would fill
  std::uint64_t lost = 0;      ///< events writers could not record since the start; never falls
  std::uint64_t skipped_subbufs = 0;  ///< overrun or corrupt between the run before and this one
};

/// What was lost in one stream since its start.
struct StreamLoss {
  /// Indexed by enum sillage_lost_cause.
  std::array<std::uint64_t, SILLAGE_LOST_CAUSES> by_writers{};
  std::uint64_t overrun_events = 0, overrun_subbufs = 0;  ///< overwritten before they were read
  std::uint64_t corrupt_events = 0, corrupt_subbufs = 0;  ///< skipped: their accounts cannot be

  /// No loss: what filters did not want.
  std::uint64_t rejected = 0;

  /// Takes over the writers' counters of a stream, none of which may fall. Returns their sum.
  std::uint64_t update(const std::uint64_t (&shared)[SILLAGE_LOST_CAUSES]);
};

/// What was given back to the system.
struct Reclaimed {
  std::uint64_t subbufs = 0;  ///< whose memory was given back
  std::uint64_t bytes = 0;    ///< that they had
  void add(const Reclaimed& other) {
    subbufs += other.subbufs;
    bytes += other.bytes;
  }
};

struct ReaderProgress;

/// One stream of a ring as who writes packets sees it, whoever wrote the records.
///
/// Lifetime: the memory it reads (Ring, KernelRing) must outlive it.
/// Threads:  one at a time.
class RunSource {
 public:
  virtual ~RunSource() = default;

  /// The next run of records, oldest first, or nothing if there is none yet.
  ///
  /// `buffer` must hold a sub-buffer; the run stands in it or in the ring itself. With `flush`,
  /// what is readable of a sub-buffer that is still being written counts too; without it, only
  /// closed sub-buffers do. A closed sub-buffer without records left gives a run of no bytes, since
  /// its times and losses matter.
  [[nodiscard]] virtual std::optional<Run> next_run(std::span<std::byte> buffer, bool flush) = 0;

  /// Losses so far, from the writers' counters now; never less than before.
  [[nodiscard]] virtual const StreamLoss& loss() = 0;

  /// Sum of the writers' counters in `loss()`.
  [[nodiscard]] virtual std::uint64_t lost_by_writers() = 0;

  /// Events published and not given out yet; a guess while writers overrun the reader.
  [[nodiscard]] virtual std::uint64_t pending_events() const = 0;

  /// The events of the run given out last could not be written. Sources that outlive their reader keep count.
  virtual void note_unwritten(std::uint64_t /*events*/) {}

  /// Where it stands, of sources whose reader keeps that itself; else nullptr.
  [[nodiscard]] virtual const ReaderProgress* progress() const { return nullptr; }

  /// Gives the memory of sub-buffers back to the system that ended before `ended_before`, were read and given back to the
  /// writers; they take it again when they come there. Nothing where memory cannot be given back.
  [[nodiscard]] virtual Result<Reclaimed> reclaim_memory(Nanoseconds /*ended_before*/) {
    return Reclaimed{};
  }

  /// Events in sub-buffers skipped because their accounts cannot be.
  [[nodiscard]] virtual std::uint64_t corrupt_events() const = 0;

  /// Another source that begins where this one is and gives nothing back to the writers: what it reads
  /// is still there for this one and for others.
  [[nodiscard]] virtual std::unique_ptr<RunSource> peek() const = 0;

 protected:
  RunSource() = default;
  RunSource(const RunSource&) = default;
  RunSource& operator=(const RunSource&) = default;
};

}  // namespace sillage::ring
