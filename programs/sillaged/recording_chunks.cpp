// SPDX-License-Identifier: MIT
// Recording: snapshots, chunks, and what is written anew.
#include "collect/clock_keeper.hpp"
#include "sillaged/recording.hpp"

#include <utility>

namespace sillage::daemon {

Result<collect::Stats> Recording::snapshot(const std::vector<collect::SnapshotOptions>& outputs) {
  // What was known at the start may have been overwritten. A snapshot without it is better than none.
  (void)dump_state();
  report_nested();
  collect::Stats sum;
  for (const collect::SnapshotOptions& output : outputs) {
    auto made = collector_->snapshot(output);
    if (!made) return made;
    sum.events += made->events;
    sum.packets += made->packets;
    sum.bytes += made->bytes;
  }
  return sum;
}

Status Recording::rotate(const std::string& archive, const v1::Chunks& then) {
  report_nested();
  return end_current_chunk(archive, then, [&](const collect::Collector::ChunkHook& ready) {
    return collector_->rotate(archive, ready);
  });
}

Status Recording::clear(const v1::Chunks& then) {
  return end_current_chunk({}, then, [&](const collect::Collector::ChunkHook& ready) {
    return collector_->clear(ready);
  });
}

// What is decided is in the journal before it is done, and what came of it behind that.
Status Recording::end_current_chunk(
    const std::string& archive, const v1::Chunks& then,
    const std::function<Status(const collect::Collector::ChunkHook&)>& end) {
  bool is_noted = false;
  Status ended = end([&](std::uint64_t recorded_bytes) -> Status {
    if (journal_ == nullptr) return {};
    v1::JournalEntry entry;
    entry.mutable_chunk_ready()->set_archive(archive);
    *entry.mutable_chunk_ready()->mutable_then() = then;
    entry.mutable_chunk_ready()->set_recorded_bytes(recorded_bytes);
    SILLAGE_TRY(journal_->append(entry));
    is_noted = true;
    return {};
  });
  if (is_noted) {
    // Not written, the next daemon finds in the files what came of it.
    (void)!note_chunk_ended(ended.has_value());
  }
  return ended;
}

Status Recording::note_chunk_ended(bool is_done) {
  v1::JournalEntry entry;
  entry.mutable_chunk_ended()->set_is_done(is_done);
  return journal_->append(entry);
}

Status Recording::end_chunk(const std::string& archive) { return collector_->end_chunk(archive); }

Status Recording::regenerate_metadata() {
  const std::int64_t offset_ns = collect::sample_realtime_offset_ns();
  if (journal_ != nullptr) {
    v1::JournalEntry entry;
    entry.mutable_clock()->set_clock_offset_ns(offset_ns);
    SILLAGE_TRY(journal_->append(entry));
  }
  clock_offset_ns_ = offset_ns;
  return collector_->set_clock_offset(offset_ns);
}

void Recording::report_nested() {
  const std::lock_guard lock(kernel_mutex_);
  for (const auto& channel : kernel_) (void)channel->report_nested();
}

}  // namespace sillage::daemon
