// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace sillage::collect {

/// Whose something is.
struct Owner {
  uid_t user = 0;
  gid_t group = 0;
};

/// Opens a directory, making it and its parents where they are missing; what is made is given to `owner`, if there is one.
///
/// Errors: those of mkdir and open, kPermission too if nothing can be made in it; the message names
///         the part of the path that failed.
[[nodiscard]] Result<Fd> make_directory(const std::string& path, std::optional<Owner> owner = {});

/// Opens a directory below another, making what is missing, each for the owner of what it is in; never leads out of it, by
/// ".." or by symbolic links.
///
/// Errors: kInvalidArgument  empty, absolute, or with an empty, "." or ".." part.
[[nodiscard]] Result<Fd> make_directory_below(int directory, std::string_view relative);

/// Gives what root has just made in a directory to the directory's owner, as if that one had made it. Nothing happens if we are
/// not root: then it is ours.
void give_to_owner_of(int directory, int made);

/// Whether `name` can be a file's name as it is: not empty, no '/', no NUL, no leading '.', at most
/// 200 bytes.
[[nodiscard]] bool is_file_name(std::string_view name);

}  // namespace sillage::collect
