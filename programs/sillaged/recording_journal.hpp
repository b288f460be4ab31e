// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "sillaged/recording_state.pb.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace sillage::daemon {

/// What a recording of programs opened, in its order: a file that grows by an entry at a time.
///
///   u32 bytes, u32 check (FNV-1a of the bytes), JournalEntry of so many bytes; and so on
///
/// Threads: any.
class RecordingJournal {
 public:
  /// Makes the file, or makes it empty.
  [[nodiscard]] static Result<std::unique_ptr<RecordingJournal>> create(const std::string& path);

  struct Opened {
    std::unique_ptr<RecordingJournal> journal;
    std::vector<v1::JournalEntry> entries;
  };
  /// Opens one that an earlier daemon was writing. What it was killed in the middle of is cut off: nobody has acted on it.
  ///
  /// Errors: kNotFound  there is none; kCorrupt  an entry that cannot be, with others behind it.
  [[nodiscard]] static Result<Opened> open(const std::string& path);

  /// Errors: those of the file; nothing was added then.
  [[nodiscard]] Status append(const v1::JournalEntry& entry);

 private:
  RecordingJournal(Fd file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  const Fd file_;
  std::mutex mutex_;  // guards what follows
  std::uint64_t size_;
};

}  // namespace sillage::daemon
