// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sillage::import {

/// Puts records in the order of their times.
///
/// perf writes what it finds in the buffers of one CPU after the other, and says when it went through all
/// of them: what is older than the newest record of the round before cannot come any more.
class PerfQueue {
 public:
  /// Keeps a copy of a record.
  void add(std::uint64_t time, std::span<const std::byte> record);

  /// Calls `emit(time, record)` for those whose turn it is, oldest first, equal ones as they came.
  template <class Emit>
  void end_round(const Emit& emit) {
    // Times of 0 wait for the second round: nothing older than what it has can come then.
    if (is_due()) flush(limit_, emit);
    limit_ = newest_;
  }

  /// The same for all.
  template <class Emit>
  void finish(const Emit& emit) {
    flush(~std::uint64_t{0}, emit);
  }

  /// Bytes of the records that wait.
  [[nodiscard]] std::size_t bytes() const { return bytes_.size(); }
  /// The newest time that was added.
  [[nodiscard]] std::uint64_t newest() const { return newest_; }
  /// Whether the end of this round lets records go.
  [[nodiscard]] bool is_due() const { return limit_ != 0; }
  /// The oldest time that waits and is not 0; 0 if there is none.
  [[nodiscard]] std::uint64_t oldest_known() const;

 private:
  struct Entry {
    std::uint64_t time;
    std::size_t offset, size;
  };

  // Puts the entries up to `limit` in front, sorted; their number.
  std::size_t sort_until(std::uint64_t limit);
  // Forgets the first `count` entries.
  void drop(std::size_t count);

  template <class Emit>
  void flush(std::uint64_t limit, const Emit& emit) {
    const std::size_t count = sort_until(limit);
    for (std::size_t i = 0; i < count; ++i)
      emit(entries_[i].time, std::span(bytes_).subspan(entries_[i].offset, entries_[i].size));
    drop(count);
  }

  std::vector<Entry> entries_;
  std::vector<std::byte> bytes_;
  std::uint64_t limit_ = 0, newest_ = 0;
};

}  // namespace sillage::import
