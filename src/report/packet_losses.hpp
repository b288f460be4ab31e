// SPDX-License-Identifier: MIT
#pragma once

#include "ctf/decoder.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace sillage::report {

/// What a tracer says it lost between two packets of a data stream.
struct PacketLoss {
  struct Events {
    std::optional<std::uint64_t> count{};         ///< none: some, at the latest in the first packet
    std::optional<std::uint64_t> begin{}, end{};  ///< cycles
  };
  struct Packets {
    std::uint64_t count = 0;
    std::optional<std::uint64_t> begin{}, end{};
  };
  std::optional<Events> events{};
  std::optional<Packets> packets{};
};

/// What was lost altogether.
struct LossTotal {
  std::uint64_t events = 0, packets = 0;
  bool are_more = false;  ///< an unknown number of events in addition

  void add_events(std::optional<std::uint64_t> count) {
    if (count) {
      events += *count;
    } else {
      are_more = true;
    }
  }
  void add(const PacketLoss& loss) {
    if (loss.events) add_events(loss.events->count);
    if (loss.packets) packets += loss.packets->count;
  }
  void add(const LossTotal& other) {
    events += other.events;
    packets += other.packets;
    are_more = are_more || other.are_more;
  }
  [[nodiscard]] bool is_any() const { return events != 0 || packets != 0 || are_more; }
  /// "at least 5 events, 1 packet"
  [[nodiscard]] std::string text() const;
};

/// Compares the counters of one packet after the other.
class LossCounter {
 public:
  /// What was lost in front of this packet, and up to its end.
  PacketLoss next(const ctf::PacketInfo& packet);

 private:
  std::optional<std::uint64_t> discarded_, sequence_, end_;
};

}  // namespace sillage::report
