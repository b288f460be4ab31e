// SPDX-License-Identifier: MIT
#include "collect/output_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sillage::collect {
namespace {

// LTTng's: group members may read; the umask takes away what the user wants taken away.
constexpr mode_t kDirectoryMode = 0770;

struct Made {
  Fd fd;
  bool is_new;
};

Result<Made> make_one(int parent, const std::string& name, const std::string& shown,
                      int open_flags) {
  const bool is_new = ::mkdirat(parent, name.c_str(), kDirectoryMode) == 0;
  if (!is_new && errno != EEXIST) return fail_errno("cannot make directory " + shown);
  // What was new is no link: who put one there meanwhile is not to have what it leads to.
  if (is_new) open_flags |= O_NOFOLLOW;
  Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | open_flags));
  if (!fd) return fail_errno("cannot open directory " + shown);
  return Made{std::move(fd), is_new};
}

}  // namespace

Result<Fd> make_directory(const std::string& path, std::optional<Owner> owner) {
  if (path.empty()) return fail(Code::kInvalidArgument, "the output directory has no name");
  // From one to the next: a path that changes meanwhile leads nowhere else.
  Fd fd(::open(path.front() == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::size_t length = path.find_last_not_of('/') + 1;
  for (std::size_t begin = path.find_first_not_of('/'); begin < length;) {
    const std::size_t end = std::min(path.find('/', begin), length);
    // O_PATH: one may have to pass through what one may not list, such as others' homes.
    auto made = make_one(fd.value(), path.substr(begin, end - begin), path.substr(0, end),
                         end == length ? 0 : O_PATH);
    if (!made) return tl::unexpected(std::move(made).error());
    fd = std::move(made->fd);
    if (made->is_new && owner)
      (void)::fchownat(fd.value(), "", owner->user, owner->group, AT_EMPTY_PATH);
    begin = path.find_first_not_of('/', end);
  }
  if (::faccessat(fd.value(), ".", W_OK | X_OK, 0) != 0)
    return fail_errno("cannot write in directory " + path);
  return fd;
}

Result<Fd> make_directory_below(int directory, std::string_view relative) {
  Fd fd;
  int parent = directory;
  while (true) {
    const std::size_t slash = relative.find('/');
    const std::string name(relative.substr(0, slash));
    if (!is_file_name(name))
      return fail(Code::kInvalidArgument, "\"" + name + "\" cannot be part of a trace's directory");
    auto made = make_one(parent, name, name, O_NOFOLLOW);
    if (!made) return tl::unexpected(std::move(made).error());
    if (made->is_new) give_to_owner_of(parent, made->fd.value());
    fd = std::move(made->fd);
    if (slash == std::string_view::npos) return fd;
    parent = fd.value();
    relative.remove_prefix(slash + 1);
  }
}

void give_to_owner_of(int directory, int made) {
  struct stat status {};
  if (::geteuid() != 0 || ::fstat(directory, &status) != 0 || status.st_uid == 0) return;
  (void)::fchown(made, status.st_uid, status.st_gid);
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name.front() != '.' &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace sillage::collect
