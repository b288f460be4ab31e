// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "collect/clock_keeper.hpp"
#include "collect/record_scanner.hpp"
#include "collect/stats.hpp"
#include "collect/stream_recorder.hpp"
#include "collect/trace_writer.hpp"
#include "ctf/model.hpp"
#include "ring/ring.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sillage::collect {

/// One channel: a ring, what its records look like, and a recorder for each of its streams.
///
/// Threads: add_event() from any; the rest from the collector's alone.
class Channel {
 public:
  Channel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class, ring::Ring ring,
          const std::string& name);

  /// Declares an event and gives it the next id; known to the reader before this returns.
  [[nodiscard]] Result<EventId> add_event(ctf::EventClass event);

  [[nodiscard]] const ring::Ring& ring() const { return ring_; }

  /// Reads what there is: closed sub-buffers and, with `flush`, the open ones. Returns whether
  /// there was anything.
  ///
  /// Cost: at most twice the ring's size; `buffer` grows to a sub-buffer.
  bool drain(std::vector<std::byte>& buffer, bool flush, const ClockKeeper& clock,
             OutputHealth& health);

  /// Reads everything published, completes the files and gives the ring's memory back.
  void finish(std::vector<std::byte>& buffer, const ClockKeeper& clock, OutputHealth& health);

  /// Adds this channel's part to `stats`.
  void count(Stats& stats);

 private:
  const std::shared_ptr<TraceWriter> trace_;
  const ctf::DataStreamClass stream_class_;
  ring::Ring ring_;
  std::vector<StreamRecorder> recorders_;
  RecordScanner scanner_;

  void absorb_shapes();

  std::mutex declaring_;  // held over writing the metadata, so that ids stand there in their order
  std::uint32_t next_event_ = 0;
  // Never held over anything that can wait: the collector's thread takes it for each run.
  std::mutex shapes_;
  std::vector<RecordShape> new_shapes_;  // of events the scanner does not know yet, in order
};

}  // namespace sillage::collect
