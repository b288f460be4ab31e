// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::session {

/// Where snapshots of a session go.
struct SnapshotOutput {
  std::uint32_t id = 0;         ///< from 1 on, never given twice; 0: of one snapshot alone
  std::string name{};           ///< each snapshot is NAME-DATETIME-NUMBER
  std::string path{};           ///< absolute; what each snapshot's directory is made in
  std::uint64_t max_bytes = 0;  ///< of one snapshot; 0: no limit
  bool operator==(const SnapshotOutput&) const = default;
};

/// A snapshot to be made.
struct SnapshotPlan {
  std::string path;  ///< of its directory
  std::uint64_t max_bytes = 0;
};

/// What is asked of one snapshot; what is left out is the outputs' to say.
struct SnapshotRequest {
  std::string name{};  ///< "": the output's
  std::string path{};  ///< absolute: there alone; "": to all outputs
  std::uint64_t max_bytes = 0;
};

/// The outputs of a session, in the order in which they were added.
class SnapshotOutputs {
 public:
  /// Without a name it is snapshot-ID.
  ///
  /// Errors: kAlreadyExists    the name is taken.
  ///         kInvalidArgument  a name that cannot be a directory's, a path that is not absolute.
  [[nodiscard]] Result<SnapshotOutput> add(std::string name, std::string path,
                                           std::uint64_t max_bytes);
  /// Forgets the output of that name or, if none has it, of that id. Returns it.
  ///
  /// Errors: kNotFound, with LTTng's words.
  [[nodiscard]] Result<SnapshotOutput> remove(std::string_view name_or_id);

  [[nodiscard]] const std::vector<SnapshotOutput>& all() const { return outputs_; }

  /// The directories of the next snapshot, and counts it; `datetime` is now, as YYYYmmdd-HHMMSS.
  ///
  /// Errors: kNotFound         there is no output, and none in the request.
  ///         kInvalidArgument  as add().
  [[nodiscard]] Result<std::vector<SnapshotPlan>> plan(const SnapshotRequest& request,
                                                       const std::string& datetime);
  /// How many snapshots were planned, by which the next is numbered.
  [[nodiscard]] std::uint64_t planned() const { return snapshots_; }
  void resume(std::uint64_t planned) { snapshots_ = planned; }

  bool operator==(const SnapshotOutputs&) const = default;

 private:
  std::vector<SnapshotOutput> outputs_;
  std::uint32_t next_id_ = 1;
  std::uint64_t snapshots_ = 0;
};

}  // namespace sillage::session
