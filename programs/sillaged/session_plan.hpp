// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "session/recording_session.hpp"
#include "session/session.hpp"

namespace sillage::daemon {

/// What a recording has to do for a session as it is now: what is disabled is left out, but channels keep their
/// places.
///
/// Errors: kUnsupported  an option that this daemon does not carry out, and what to do instead;
///         kNotFound     a context that programs' events cannot have.
[[nodiscard]] Result<session::RecordingSession> plan_of(const session::Session& session);

}  // namespace sillage::daemon
