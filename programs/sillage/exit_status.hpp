// SPDX-License-Identifier: MIT
// Exit statuses of failures, as env(1), nice(1) and their like have them: a program's own rarely are these.
#pragma once

namespace sillage::command {

inline constexpr int kExitOwnError = 125;       ///< this command failed
inline constexpr int kExitNotExecutable = 126;  ///< the program is there and cannot be run
inline constexpr int kExitNotFound = 127;       ///< there is no such program

}  // namespace sillage::command
