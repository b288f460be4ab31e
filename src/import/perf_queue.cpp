// SPDX-License-Identifier: MIT
#include "import/perf_queue.hpp"

#include <algorithm>
#include <utility>

namespace sillage::import {

void PerfQueue::add(std::uint64_t time, std::span<const std::byte> record) {
  entries_.push_back({time, bytes_.size(), record.size()});
  bytes_.insert(bytes_.end(), record.begin(), record.end());
  newest_ = std::max(newest_, time);
}

std::uint64_t PerfQueue::oldest_known() const {
  std::uint64_t oldest = 0;
  for (const Entry& entry : entries_)
    if (entry.time != 0 && (oldest == 0 || entry.time < oldest)) oldest = entry.time;
  return oldest;
}

std::size_t PerfQueue::sort_until(std::uint64_t limit) {
  const auto end = std::stable_partition(entries_.begin(), entries_.end(),
                                         [&](const Entry& entry) { return entry.time <= limit; });
  std::stable_sort(entries_.begin(), end,
                   [](const Entry& a, const Entry& b) { return a.time < b.time; });
  return static_cast<std::size_t>(end - entries_.begin());
}

void PerfQueue::drop(std::size_t count) {
  if (count == 0) return;
  entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(count));
  std::vector<std::byte> kept;
  for (Entry& entry : entries_) {
    const auto record = std::span(bytes_).subspan(entry.offset, entry.size);
    entry.offset = kept.size();
    kept.insert(kept.end(), record.begin(), record.end());
  }
  bytes_ = std::move(kept);
}

}  // namespace sillage::import
