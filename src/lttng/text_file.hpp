// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <string>

namespace sillage::lttng {

/// Writes a file as a whole or not at all.
///
/// Errors: kAlreadyExists  it is there, and must not be replaced; kSystem.
[[nodiscard]] Status write_file(const std::string& path, const std::string& text, bool replaces);

/// Errors: kSystem  it is not there, or may not be read.
[[nodiscard]] Result<std::string> read_file(const std::string& path);

}  // namespace sillage::lttng
