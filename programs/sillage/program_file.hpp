// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace sillage::command {

/// Why a program may never have registered, as far as its file shows it; an empty text if nothing is to be seen.
///
/// Looks `program` up as the shell does. Never fails: this is for an explanation after the fact.
[[nodiscard]] std::string explain_silence(const std::string& program);

}  // namespace sillage::command
