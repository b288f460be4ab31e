// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <string>
#include <string_view>

namespace sillage::collect {

/// Opens a directory, making it and its parents where they are missing.
///
/// Errors: those of mkdir and open, kPermission too if nothing can be made in it; the message names
///         the part of the path that failed.
[[nodiscard]] Result<Fd> make_directory(const std::string& path);

/// Opens a directory below another, making what is missing; never leads out of it, by ".." or by
/// symbolic links.
///
/// Errors: kInvalidArgument  empty, absolute, or with an empty, "." or ".." part.
[[nodiscard]] Result<Fd> make_directory_below(int directory, std::string_view relative,
                                              mode_t mode = 0770);

/// As make_directory(), for what is this user's alone: the last part is made with mode 0700.
///
/// Errors: kPermission  what is there is another user's, open to others, or a link.
[[nodiscard]] Result<Fd> make_private_directory(const std::string& path);

/// Whether `name` can be a file's name as it is: not empty, no '/', no NUL, no leading '.', at most
/// 200 bytes.
[[nodiscard]] bool is_file_name(std::string_view name);

}  // namespace sillage::collect
