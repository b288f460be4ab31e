// SPDX-License-Identifier: MIT
// From the messages about sessions to the model of sessions, and back.
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"
#include "session/session_list.hpp"

namespace sillage::control {

/// Errors, of all of these: kInvalidArgument  a number that no release knows. What a session allows is the
/// session's to judge.
[[nodiscard]] Result<session::Domain> domain_of(v1::Domain message);
[[nodiscard]] Result<session::SessionRequest> request_of(const v1::CreateSessionRequest& message);
[[nodiscard]] Result<session::ChannelRequest> request_of(const v1::ChannelRequest& message);
[[nodiscard]] Result<session::RecordingRule> rule_of(const v1::RecordingRule& message);
[[nodiscard]] Result<session::RuleSelection> selection_of(const v1::DisableEventRequest& message);
[[nodiscard]] Result<session::ProcessAttribute> attribute_of(v1::ProcessAttribute message);

void fill(const session::SnapshotOutput& output, v1::SnapshotOutput* message);
/// A session as it was saved, not started.
///
/// Errors: those of session::Session.
[[nodiscard]] Result<session::Session> saved_session_of(const v1::Session& message);

void fill(const session::RecordingRule& rule, v1::RecordingRule* message);
void fill(const session::SessionChannel& channel, v1::SessionChannel* message);
/// Everything but what the recording counts.
void fill(const session::Session& session, v1::Session* message);

}  // namespace sillage::control
