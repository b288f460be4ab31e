// SPDX-License-Identifier: MIT
#pragma once

#include "collect/channel.hpp"
#include "collect/record_scanner.hpp"
#include "collect/record_shape.hpp"
#include "collect/stream_ledger.hpp"
#include "ring/ring.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sillage::collect {

/// A channel that programs write: every record is looked at before it goes into a packet.
class UserChannel final : public Channel {
 public:
  /// What outlives the collector, and what is done when the channel has ended.
  struct Keep {
    std::optional<StreamLedger> ledger{};
    bool has_files =
        false;  ///< of ring and ledger, among the trace's buffers(): they go when the channel has ended
    std::function<void(const Stats&)> ended{};  ///< called by the collector's thread
  };
  UserChannel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class,
              ring::Ring ring, const std::string& name, bool read_at_end, const FileOptions& files,
              Keep keep);

  /// Has the ledger say where all streams begin.
  void note_start();
  /// Goes on where the collector that the ledger is of was killed. Before anything else.
  ///
  /// Errors: those of the files; kCorrupt  they are not as that one left them.
  [[nodiscard]] Status resume();

  void arm(std::vector<Doorbell>& doorbells) override;
  void release_locks(std::uint32_t registration) override;
  [[nodiscard]] std::vector<StreamMemory> memory() const override;

 protected:
  void record(StreamRecorder& recorder, const ring::Run& run, const TraceOutput& output,
              OutputHealth& health, Nanoseconds now) override;
  [[nodiscard]] Status prepare(const ctf::EventClass& event) override;
  void declared() override;
  void give_back_memory() override;
  [[nodiscard]] bool is_gone() const override { return ring_.is_cut(); }

 private:
  void absorb_shapes();

  ring::Ring ring_;
  const std::string name_;
  Keep keep_;
  RecordScanner scanner_;
  RecordShape prepared_;  // of the event that is being declared
  // Never held over anything that can wait: the collector's thread takes it for each run.
  std::mutex shapes_;
  std::vector<RecordShape> new_shapes_;  // of events the scanner does not know yet, in order
};

}  // namespace sillage::collect
