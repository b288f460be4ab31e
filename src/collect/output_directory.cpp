// SPDX-License-Identifier: MIT
#include "collect/output_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace sillage::collect {
namespace {

// LTTng's: group members may read; the umask takes away what the user wants taken away.
constexpr mode_t kDirectoryMode = 0770;

Result<Fd> make_one(int parent, const std::string& name, int open_flags,
                    mode_t mode = kDirectoryMode) {
  if (::mkdirat(parent, name.c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("cannot make directory " + name);
  Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | open_flags));
  if (!fd) return fail_errno("cannot open directory " + name);
  return fd;
}

}  // namespace

Result<Fd> make_directory(const std::string& path) {
  if (path.empty()) return fail(Code::kInvalidArgument, "the output directory has no name");
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    // O_PATH: one may have to pass through what one may not list, such as others' homes.
    if (auto made = make_one(AT_FDCWD, path.substr(0, slash), O_PATH); !made) return made;
  }
  auto made = make_one(AT_FDCWD, path, 0);
  if (made && ::faccessat(made->value(), ".", W_OK | X_OK, 0) != 0)
    return fail_errno("cannot write in directory " + path);
  return made;
}

Result<Fd> make_private_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || !is_file_name(path.substr(slash + 1)))
    return fail(Code::kInvalidArgument, path + " cannot be a directory's path");
  auto parent = make_directory(slash == 0 ? "/" : path.substr(0, slash));
  if (!parent) return parent;
  auto made = make_one(parent->value(), path.substr(slash + 1), O_NOFOLLOW, 0700);
  struct stat status {};
  if (!made || ::fstat(made->value(), &status) != 0) return made;
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
    return fail(Code::kPermission, path + " is not this user's alone: choose another directory");
  return made;
}

Result<Fd> make_directory_below(int directory, std::string_view relative, mode_t mode) {
  Fd fd;
  int parent = directory;
  while (true) {
    const std::size_t slash = relative.find('/');
    const std::string name(relative.substr(0, slash));
    if (!is_file_name(name))
      return fail(Code::kInvalidArgument, "\"" + name + "\" cannot be part of a trace's directory");
    auto made = make_one(parent, name, O_NOFOLLOW, mode);
    if (!made || slash == std::string_view::npos) return made;
    fd = std::move(*made);
    parent = fd.value();
    relative.remove_prefix(slash + 1);
  }
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name.front() != '.' &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace sillage::collect
