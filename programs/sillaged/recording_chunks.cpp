// SPDX-License-Identifier: MIT
// Recording: snapshots, chunks, and what is written anew.
#include "collect/clock_keeper.hpp"
#include "sillaged/recording.hpp"

#include <utility>

namespace sillage::daemon {

Result<collect::Stats> Recording::snapshot(const std::vector<session::SnapshotPlan>& plans) {
  // What was known at the start may have been overwritten. A snapshot without it is better than none.
  (void)dump_state();
  report_nested();
  collect::Stats sum;
  for (const session::SnapshotPlan& plan : plans) {
    auto made = collector_->snapshot({plan.path, plan.max_bytes});
    if (!made) return made;
    sum.events += made->events;
    sum.packets += made->packets;
    sum.bytes += made->bytes;
  }
  return sum;
}

Status Recording::rotate(const std::string& archive) {
  report_nested();
  return collector_->rotate(archive);
}

Status Recording::clear() { return collector_->clear(); }

Status Recording::end_chunk(const std::string& archive) { return collector_->end_chunk(archive); }

Status Recording::regenerate_metadata() {
  clock_offset_ns_ = collect::sample_realtime_offset_ns();
  return collector_->set_clock_offset(clock_offset_ns_);
}

void Recording::report_nested() {
  const std::lock_guard lock(kernel_mutex_);
  for (const auto& channel : kernel_) (void)channel->report_nested();
}

}  // namespace sillage::daemon
