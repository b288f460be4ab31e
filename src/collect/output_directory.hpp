// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "collect/acting_as.hpp"

#include <sys/types.h>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace sillage::collect {

/// Opens a directory, making it and its parents where they are missing, with the rights of the calling thread (acting_as.hpp).
///
/// Root's process takes nothing that another user has made where anybody may make something, such as a name in /tmp: what is
/// written there would belong to whoever guessed the name.
///
/// Errors: those of mkdir and open, kPermission too if nothing can be made in it; the message names
///         the part of the path that failed.
[[nodiscard]] Result<Fd> make_directory(const std::string& path);

/// The same for another user than ours, which is root, with that one's rights.
[[nodiscard]] Result<Fd> make_directory_as(const Identity& identity, const std::string& path);

/// Removes the folders of these names from a directory, and the directory itself, whose name is `path`, if there was nothing else
/// in it. Root removes what is in another user's directory with that one's rights alone.
void remove_output(int directory, const std::string& path,
                   std::initializer_list<const char*> folders);

/// Which directory it is, wherever it is moved to, until the machine ends.
struct DirectoryId {
  std::uint64_t device = 0, inode = 0;
  bool operator==(const DirectoryId&) const = default;
};
[[nodiscard]] Result<DirectoryId> directory_id(int directory);

/// Opens a directory that was opened before, whoever made it.
///
/// Errors: those of open; kNotFound  another one has its name.
[[nodiscard]] Result<Fd> open_directory_again(const std::string& path, const DirectoryId& id);

/// Opens a directory below another, making what is missing, each for the owner of what it is in; never leads out of it, by
/// ".." or by symbolic links.
///
/// Errors: kInvalidArgument  empty, absolute, or with an empty, "." or ".." part.
[[nodiscard]] Result<Fd> make_directory_below(int directory, std::string_view relative,
                                              mode_t mode = 0770);

/// As make_directory(), for what is this user's alone: the last part is made with mode 0700.
///
/// Errors: kPermission  what is there is another user's, open to others, or a link.
[[nodiscard]] Result<Fd> make_private_directory(const std::string& path);

/// Gives what root has just made in a directory to the directory's owner, as if that one had made it. Nothing happens if we are
/// not root: then it is ours; or if it is a directory with something in it, which another one must have put in its place.
void give_to_owner_of(int directory, int made);

/// Whether `name` can be a file's name as it is: not empty, no '/', no NUL, no leading '.', at most
/// 200 bytes.
[[nodiscard]] bool is_file_name(std::string_view name);

}  // namespace sillage::collect
