// SPDX-License-Identifier: MIT
#include "report/packet_losses.hpp"

#include <fmt/core.h>

namespace sillage::report {

std::string LossTotal::text() const {
  return fmt::format("{}{} event{}, {} packet{}", are_more ? "at least " : "", events,
                     events == 1 ? "" : "s", packets, packets == 1 ? "" : "s");
}

PacketLoss LossCounter::next(const ctf::PacketInfo& packet) {
  PacketLoss loss;
  if (packet.discarded_events) {
    if (!discarded_) {
      if (*packet.discarded_events != 0) loss.events = {.begin = packet.begin, .end = packet.end};
    } else if (*packet.discarded_events > *discarded_) {
      loss.events = {
          .count = *packet.discarded_events - *discarded_, .begin = end_, .end = packet.end};
    }
  }
  // A first number that is not 0 is no loss: a snapshot starts in the middle.
  if (packet.sequence_number && sequence_ && *packet.sequence_number > *sequence_ + 1) {
    loss.packets = {
        .count = *packet.sequence_number - *sequence_ - 1, .begin = end_, .end = packet.begin};
  }
  discarded_ = packet.discarded_events;
  sequence_ = packet.sequence_number;
  end_ = packet.end;
  return loss;
}

}  // namespace sillage::report
