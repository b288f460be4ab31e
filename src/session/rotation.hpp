// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace sillage::session {

/// The chunks that a session's trace is cut into: their names, and when they are cut by themselves.
///
/// A chunk is open from the start of the session, or from the rotation before, until the next rotation; one that is
/// made while the session is stopped leaves none open.
class Rotation {
 public:
  /// Tracing starts, at this time (YYYYmmddTHHMMSS+hhmm): a chunk is open from now on.
  void start(const std::string& datetime);

  /// The name of the open chunk, were it archived now.
  ///
  /// Errors: kNotReady  nothing was started; kAlreadyExists  no chunk is open.
  [[nodiscard]] Result<std::string> archive(const std::string& datetime) const;
  /// The open chunk was archived; another one is open if tracing is active.
  void archived(const std::string& datetime, bool is_active);
  /// What the open chunk held is gone, as if it had been archived and lost.
  void cleared(const std::string& datetime);
  /// Whether any chunk was archived: then the last one will be.
  [[nodiscard]] bool has_archives() const { return progress_.has_archives; }
  [[nodiscard]] bool is_open() const { return progress_.begin.has_value(); }

  [[nodiscard]] std::optional<Nanoseconds> period() const { return period_; }
  [[nodiscard]] std::optional<ByteCount> size() const { return size_; }
  /// Cuts from now on, each `period`, or when a chunk has this size. Both may be there.
  ///
  /// Errors: kAlreadyExists  there is such a schedule; kInvalidArgument  0.
  [[nodiscard]] Status schedule(Nanoseconds period);
  [[nodiscard]] Status schedule(ByteCount size);
  /// Errors: kNotFound  there is none.
  [[nodiscard]] Status cancel_period();
  [[nodiscard]] Status cancel_size();

  /// How far it has come: what outlives the daemon beside the schedule.
  struct Progress {
    std::optional<std::string> begin{};  ///< of the open chunk
    bool was_started = false;
    bool has_archives = false;
    std::uint64_t next_id = 0;
    bool operator==(const Progress&) const = default;
  };
  [[nodiscard]] const Progress& progress() const { return progress_; }
  void resume(Progress progress) { progress_ = std::move(progress); }

  bool operator==(const Rotation&) const = default;

 private:
  Progress progress_;
  std::optional<Nanoseconds> period_;
  std::optional<ByteCount> size_;
};

}  // namespace sillage::session
