// SPDX-License-Identifier: MIT
#pragma once

#include "collect/channel.hpp"
#include "collect/stream_ledger.hpp"
#include "collect/wakeup_listener.hpp"
#include "ring/kernel_ring.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sillage::collect {

/// A channel that our programs in the kernel write: runs become packets as they are.
///
/// In overwrite mode it is a flight recorder, read when it ends: the sub-buffers that are left,
/// oldest first.
class KernelChannel final : public Channel {
 public:
  /// `wakeup` may be null: then the ring is looked at from time to time. Without a ledger no other collector can go on with it.
  KernelChannel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class,
                ring::KernelRing ring, const std::string& name,
                std::unique_ptr<WakeupListener> wakeup, const FileOptions& files = {},
                std::optional<StreamLedger> ledger = {});

  /// Goes on where an earlier collector was killed, by what is in the ring, the ledger and the files. First of all.
  ///
  /// Errors: those of the files, naming them; kCorrupt  they are not as that one left them.
  [[nodiscard]] Status resume();

  void arm(std::vector<Doorbell>& doorbells) override;

 protected:
  void record(StreamRecorder& recorder, const ring::Run& run, const TraceOutput& output,
              OutputHealth& health, Nanoseconds now) override;
  void read_out(std::vector<std::byte>& buffer, const ClockKeeper& clock,
                OutputHealth& health) override;
  void abandon_rest() override;

 private:
  [[nodiscard]] bool is_read_out() const;

  ring::KernelRing ring_;
  std::vector<ring::KernelStreamReader*> readers_;  // the recorders'
  std::unique_ptr<WakeupListener> wakeup_;
  std::optional<StreamLedger> ledger_;
};

}  // namespace sillage::collect
