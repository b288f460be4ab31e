// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "session/recording_session.hpp"
#include "session/session.hpp"

#include <string>

namespace sillage::daemon {

/// What a recording has to do for a session as it is now: what is disabled is left out, but channels keep their
/// places.
///
/// Errors: kUnsupported  an option that this daemon does not carry out, and what to do instead;
///         kNotFound     a context that programs' events cannot have.
[[nodiscard]] Result<session::RecordingSession> plan_of(const session::Session& session);

/// The directory itself, or PATH-2, PATH-3 ... if there is a trace in it: what was recorded stays as it is.
[[nodiscard]] std::string unused_output(const std::string& path);

}  // namespace sillage::daemon
