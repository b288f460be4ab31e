// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <string>

namespace sillage::command {

/// Checks that there is a `program` to run, looked up as the shell does.
///
/// Errors: kNotFound    there is none;
///         kPermission  it cannot be executed.
[[nodiscard]] Status check_program(const std::string& program);

/// Why a program may never have registered, as far as its file shows it; an empty text if nothing is to be seen.
///
/// Looks `program` up as the shell does. Never fails: this is for an explanation after the fact.
[[nodiscard]] std::string explain_silence(const std::string& program);

}  // namespace sillage::command
