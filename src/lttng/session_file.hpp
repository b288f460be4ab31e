// SPDX-License-Identifier: MIT
// Files of recording sessions as lttng(1) saves and loads them (LTTng's session.xsd), to and from what the daemon
// says of a session. No input or output.
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"

#include <string>
#include <string_view>
#include <vector>

namespace sillage::lttng {

/// A session as a file of its own: what it records and where to; not what it has counted.
///
/// What LTTng's schema has no element for is kept where LTTng 2.14 to 2.16 have one (one buffer for all CPUs, memory on
/// demand, CTF 2, a watchdog timer), so LTTng 2.13 loads such a file only if these are left at their defaults.
/// Source: session.xsd of LTTng 2.13 and 2.16.
[[nodiscard]] std::string write_session_file(const control::v1::Session& session);

/// A session of a file.
struct SavedSession {
  control::v1::Session session;  ///< users and groups by name have the number 0
  /// Why it cannot be loaded with the output that the file gives it: "" if it can.
  std::string output_problem{};
};

/// The sessions of a file.
///
/// Errors: kInvalidArgument  "FILE:LINE: why": no such document, an element that no LTTng writes there, a value that
///                           cannot be.
///         kUnsupported      the same, of what Sillage does not record: loggers, live sessions.
[[nodiscard]] Result<std::vector<SavedSession>> read_session_file(std::string_view document,
                                                                  const std::string& file);

}  // namespace sillage::lttng
