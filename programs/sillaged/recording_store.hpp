// SPDX-License-Identifier: MIT
#pragma once

#include "apps/socket_path.hpp"
#include "base/result.hpp"
#include "sillaged/recording_state.pb.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sillage::daemon {

inline constexpr std::uint32_t kStateFormat = 4;
/// Of a state file: a request of the largest size, and what is beside it.
inline constexpr std::size_t kMaxStateBytes = std::size_t{32} << 20;

/// Reads what a state file says. Everything in it is checked that decides on memory or paths.
///
/// Errors: kCorrupt  it is not a state file of this release.
[[nodiscard]] Result<v1::RecordingState> parse_state(const std::string& bytes);

/// The same of a session's file.
[[nodiscard]] Result<v1::SessionState> parse_session_state(const std::string& bytes);
/// All of a file, if it is one and no larger than a state can be. `path` is for messages.
[[nodiscard]] Result<std::string> read_state_file(int file, const std::string& path);

/// Where recordings leave what the next daemon needs if this one is killed: state files in the runtime directory, pins of the
/// kernel's objects in the BPF file system.
///
///   RUNTIME_DIRECTORY/recordings/ID              RecordingState
///   RUNTIME_DIRECTORY/recordings/ID.journal      JournalEntry, one after the other (RecordingJournal)
///   RUNTIME_DIRECTORY/sessions/NAME              SessionState; NAME as directory_name() has it
///   RUNTIME_DIRECTORY/memory/ID/                 the metadata of traces in memory
///   RUNTIME_DIRECTORY/refused/NAME               what could not be read
///   /sys/fs/bpf/sillage/DIRECTORY/ID-CHANNEL/    what KernelChannel::pin() pins; DIRECTORY as directory_name() has it;
///                                                ID-CHANNEL-PINS of one that goes on in another ring
///
/// Threads: any; one at a time for a recording.
class RecordingStore {
 public:
  explicit RecordingStore(apps::RuntimePaths paths) : paths_(std::move(paths)) {}

  /// Where a kernel channel's objects are pinned; `pins`: which of its rings, 0 for the first.
  [[nodiscard]] std::string pin_path(std::uint64_t recording, std::size_t channel,
                                     std::uint32_t pins) const;

  /// Writes the state of a recording, in one step: whoever reads it finds this one or the one before.
  ///
  /// Errors: those of the files, naming them.
  [[nodiscard]] Status save(const v1::RecordingState& state) const;
  void remove(std::uint64_t recording) const;
  /// Until the next save(); its journal goes on.
  void remove_state(std::uint64_t recording) const;

  /// The directory of the recordings' files, for journals.
  [[nodiscard]] Status make_directory() const;
  [[nodiscard]] std::string journal_path(std::uint64_t recording) const;

  /// Where the metadata of a recording in memory is.
  [[nodiscard]] std::string memory_path(std::uint64_t recording) const;
  void remove_memory(std::uint64_t recording) const;

  /// Writes a session's state, as save().
  [[nodiscard]] Status save_session(const v1::SessionState& state) const;
  void remove_session(const std::string& name) const;

  /// What daemons that were killed have left. Files that cannot be read are put aside, each with a line in `refused`.
  [[nodiscard]] std::vector<v1::RecordingState> load(std::vector<std::string>* refused) const;
  [[nodiscard]] std::vector<v1::SessionState> load_sessions(
      std::vector<std::string>* refused) const;
  /// Puts the state of a recording that cannot be gone on with aside.
  void refuse(std::uint64_t recording) const;
  /// Removes the pins and the metadata in memory of all recordings but these.
  void remove_others(const std::vector<v1::RecordingState>& kept) const;

 private:
  [[nodiscard]] std::string pin_parent() const;
  [[nodiscard]] std::string sessions() const { return paths_.directory + "/sessions"; }
  [[nodiscard]] std::string memory() const { return paths_.directory + "/memory"; }
  [[nodiscard]] std::string session_file(const std::string& name) const;
  [[nodiscard]] std::string put_aside(const std::string& path) const;

  apps::RuntimePaths paths_;
};

/// A path as the name of one directory in a BPF file system, which refuses dots: '/' becomes '-', what is neither a letter nor
/// a digit "_" and two hexadecimal digits.
[[nodiscard]] std::string directory_name(const std::string& path);

}  // namespace sillage::daemon
