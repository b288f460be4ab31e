// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"
#include "session/recording_session.hpp"

namespace sillage::control {

/// The session a command asks for, checked by the session's own rules.
///
/// Errors: those of session::RecordingSession, Channel; kInvalidArgument  a log level above 14, no channel, a pid
///         that cannot be.
[[nodiscard]] Result<session::RecordingSession> session_of(
    const v1::CreateRecordingRequest& request);

}  // namespace sillage::control
