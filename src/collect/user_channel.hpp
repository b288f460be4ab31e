// SPDX-License-Identifier: MIT
#pragma once

#include "collect/channel.hpp"
#include "collect/record_scanner.hpp"
#include "collect/record_shape.hpp"
#include "ring/ring.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sillage::collect {

/// A channel that programs write: every record is looked at before it goes into a packet.
class UserChannel final : public Channel {
 public:
  UserChannel(std::shared_ptr<TraceWriter> trace, ctf::DataStreamClass stream_class,
              ring::Ring ring, const std::string& name, bool read_at_end,
              const FileOptions& files = {});

  void arm(std::vector<Doorbell>& doorbells) override;
  void release_locks(std::uint32_t registration) override;

 protected:
  void record(StreamRecorder& recorder, const ring::Run& run, const TraceOutput& output,
              OutputHealth& health, Nanoseconds now) override;
  [[nodiscard]] Status prepare(const ctf::EventClass& event) override;
  void declared() override;
  void give_back_memory() override;

 private:
  void absorb_shapes();

  ring::Ring ring_;
  RecordScanner scanner_;
  RecordShape prepared_;  // of the event that is being declared
  // Never held over anything that can wait: the collector's thread takes it for each run.
  std::mutex shapes_;
  std::vector<RecordShape> new_shapes_;  // of events the scanner does not know yet, in order
};

}  // namespace sillage::collect
