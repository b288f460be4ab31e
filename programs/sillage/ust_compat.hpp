// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <string>

namespace sillage::command {

/// The value of LD_LIBRARY_PATH with which programs that are built for LTTng-UST run on this project's libraries: their directory,
/// then what the variable says here.
///
/// Errors: kNotFound  the libraries are not installed beside this command.
[[nodiscard]] Result<std::string> ust_library_path();

}  // namespace sillage::command
