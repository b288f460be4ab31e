// SPDX-License-Identifier: MIT
#include "sillaged/stats_message.hpp"

namespace sillage::daemon {

void fill_stats(const collect::Stats& stats, control::v1::Stats* message) {
  message->set_events(stats.events);
  message->set_pending(stats.pending);
  message->set_packets(stats.packets);
  message->set_rejected(stats.rejected);
  message->set_bytes(stats.bytes);
  message->set_output_failing(stats.output_failing);
  message->set_output_error(stats.output_error);
  message->set_overrun_packets(stats.overrun_packets);
  message->set_corrupt_packets(stats.corrupt_packets);
  control::v1::Lost* lost = message->mutable_lost();
  lost->set_full(stats.lost.full);
  lost->set_too_big(stats.lost.too_big);
  lost->set_busy(stats.lost.busy);
  lost->set_timeout(stats.lost.timeout);
  lost->set_other(stats.lost.other);
  lost->set_overrun(stats.lost.overrun);
  lost->set_corrupt(stats.lost.corrupt);
  lost->set_disk(stats.lost.disk);
  lost->set_nested(stats.lost.nested);
}

// Of channels that have ended: nothing is pending there, and no output fails any more.
collect::Stats stats_of(const control::v1::Stats& message) {
  collect::Stats stats;
  stats.events = message.events();
  stats.packets = message.packets();
  stats.rejected = message.rejected();
  stats.bytes = message.bytes();
  stats.overrun_packets = message.overrun_packets();
  stats.corrupt_packets = message.corrupt_packets();
  const control::v1::Lost& lost = message.lost();
  stats.lost = {lost.full(),    lost.too_big(), lost.busy(), lost.timeout(), lost.other(),
                lost.overrun(), lost.corrupt(), lost.disk(), lost.nested()};
  return stats;
}

}  // namespace sillage::daemon
