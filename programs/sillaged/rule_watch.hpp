// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"
#include "kernel/tracer.hpp"
#include "session/recording_session.hpp"
#include "session/session.hpp"
#include "sillaged/kernel_recording.hpp"
#include "sillaged/recording.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace sillage::daemon {

/// Counts for a while what each rule of a session meets, beside what the session records: which events happen, and which
/// of them its filter wants. Nothing of that is counted all the time, as it would cost most where nothing is recorded
/// (docs/decisions/0008-rules-are-counted-on-demand.md).
///
/// Rules for the kernel's events are carried out by programs that only count; those for programs' by a recording in memory that
/// has a channel for each of them.
///
/// Threads: one at a time.
class RuleWatch {
 public:
  /// Rules of programs' events beyond these are not counted: a program writes into 64 rings at most.
  static constexpr std::size_t kMaxUserRules = 32;

  /// Of a session as it is now.
  ///
  /// Errors: those of plan_of().
  [[nodiscard]] static Result<std::unique_ptr<RuleWatch>> create(const session::Session& session);

  /// Whether there are rules of the kernel's events: start_kernel() is needed.
  [[nodiscard]] bool has_kernel() const { return !plan_.kernel_channels().empty(); }
  /// Loads what counts the kernel's events and begins.
  ///
  /// Cost:   some 3 ms an event.
  /// Errors: those of KernelRecording::create_counter().
  [[nodiscard]] Status start_kernel(const kernel::Tracer& tracer);
  /// The recording that counts programs' events; nothing if no rule is about them.
  [[nodiscard]] const std::optional<session::RecordingSession>& user_plan() const {
    return user_plan_;
  }

  /// Ends it and says in `response` what was counted. `user`: what user_plan() became, which no program feeds any more; nullptr if there was
  /// none.
  ///
  /// Cost:   that of detaching the kernel's programs.
  /// Errors: what was counted cannot be read.
  [[nodiscard]] Status finish(Recording* user, control::v1::WhyEmptyResponse* response);

 private:
  /// A rule by its place in the session.
  struct Place {
    std::string channel;
    std::uint32_t rule = 0;
  };
  RuleWatch(session::Session session, session::RecordingSession plan)
      : session_(std::move(session)), plan_(std::move(plan)) {}
  [[nodiscard]] Status plan_user();
  [[nodiscard]] Status tell_kernel(control::v1::WhyEmptyResponse* response) const;

  const session::Session session_;
  const session::RecordingSession plan_;
  std::optional<session::RecordingSession> user_plan_;
  std::vector<Place> user_places_;                          // by its channels
  std::vector<std::unique_ptr<KernelRecording>> counters_;  // by the plan's kernel channels
};

}  // namespace sillage::daemon
