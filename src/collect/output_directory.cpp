// SPDX-License-Identifier: MIT
#include "collect/output_directory.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sillage::collect {
namespace {

// LTTng's: group members may read; the umask takes away what the user wants taken away.
constexpr mode_t kDirectoryMode = 0770;

struct Made {
  Fd fd;
  bool is_new;
};

// `check`, if there is one, says whether what is there already will do.
Result<Made> make_one(int parent, const std::string& name, const std::string& shown, int open_flags,
                      Status (*check)(int, const std::string&, const std::string&) = nullptr,
                      mode_t mode = kDirectoryMode) {
  const bool is_new = ::mkdirat(parent, name.c_str(), mode) == 0;
  if (!is_new && errno != EEXIST) return fail_errno("cannot make directory " + shown);
  if (!is_new && check != nullptr) SILLAGE_TRY(check(parent, name, shown));
  // What was new is no link: who put one there meanwhile is not to have what it leads to.
  if (is_new) open_flags |= O_NOFOLLOW;
  Fd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | open_flags));
  if (!fd) return fail_errno("cannot open directory " + shown);
  return Made{std::move(fd), is_new};
}

// As the kernel has it for files (fs.protected_regular), but for each part of the way.
Status check_maker(int parent, const std::string& name, const std::string& shown) {
  struct stat place {
  }, there{};
  if (::geteuid() != 0 || ::fstat(parent, &place) != 0 || (place.st_mode & S_IWOTH) == 0) return {};
  if (::fstatat(parent, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("cannot open directory " + shown);
  if (there.st_uid == place.st_uid || there.st_uid == acting_user()) return {};
  return fail(Code::kPermission, "cannot write in directory " + shown +
                                     ": another user has made it where anybody may, and would get "
                                     "the trace; choose one that is not there yet");
}

bool may_write(int directory) {
  // Of the rights that we act with; faccessat() of the C library looks at others where the kernel has no faccessat2.
  if (::syscall(SYS_faccessat2, directory, ".", W_OK | X_OK, AT_EACCESS) == 0) return true;
  return errno == ENOSYS && acting_user() == ::geteuid() &&
         ::faccessat(directory, ".", W_OK | X_OK, 0) == 0;
}

}  // namespace

Result<Fd> make_directory(const std::string& path) {
  if (path.empty()) return fail(Code::kInvalidArgument, "the output directory has no name");
  // From one to the next: a path that changes meanwhile leads nowhere else.
  Fd fd(::open(path.front() == '/' ? "/" : ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::size_t length = path.find_last_not_of('/') + 1;
  for (std::size_t begin = path.find_first_not_of('/'); begin < length;) {
    const std::size_t end = std::min(path.find('/', begin), length);
    const std::string name = path.substr(begin, end - begin), shown = path.substr(0, end);
    // O_PATH: one may have to pass through what one may not list, such as others' homes.
    auto made = make_one(fd.value(), name, shown, end == length ? 0 : O_PATH, check_maker);
    if (!made) return tl::unexpected(std::move(made).error());
    fd = std::move(made->fd);
    begin = path.find_first_not_of('/', end);
  }
  if (!may_write(fd.value())) return fail_errno("cannot write in directory " + path);
  return fd;
}

Result<Fd> make_directory_as(const Identity& identity, const std::string& path) {
  const ActingAs acting(identity);
  if (!acting.begun()) return tl::unexpected(acting.begun().error());
  return make_directory(path);
}

Result<DirectoryId> directory_id(int directory) {
  struct stat status {};
  if (::fstat(directory, &status) != 0) return fail_errno("cannot look at an output directory");
  return DirectoryId{status.st_dev, status.st_ino};
}

Result<Fd> open_directory_again(const std::string& path, const DirectoryId& id) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open directory " + path);
  const auto found = directory_id(fd.value());
  if (!found) return tl::unexpected(found.error());
  if (*found != id) return fail(Code::kNotFound, path + " is another directory now");
  return fd;
}

void remove_output(int directory, const std::string& path,
                   std::initializer_list<const char*> folders) {
  struct stat status {};
  if (::fstat(directory, &status) != 0) return;
  std::error_code ignored;
  const auto remove = [&] {
    for (const std::string name : folders)
      std::filesystem::remove_all("/proc/self/fd/" + std::to_string(directory) + "/" + name,
                                  ignored);
    ::rmdir(path.c_str());
  };
  if (::geteuid() != 0 || status.st_uid == 0) return remove();
  const ActingAs acting({status.st_uid, status.st_gid});
  if (acting.begun()) remove();
}

Result<Fd> make_private_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || !is_file_name(path.substr(slash + 1)))
    return fail(Code::kInvalidArgument, path + " cannot be a directory's path");
  auto parent = make_directory(slash == 0 ? "/" : path.substr(0, slash));
  if (!parent) return parent;
  auto made = make_one(parent->value(), path.substr(slash + 1), path, O_NOFOLLOW, nullptr, 0700);
  if (!made) return tl::unexpected(std::move(made).error());
  struct stat status {};
  if (::fstat(made->fd.value(), &status) != 0) return fail_errno("cannot look at " + path);
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
    return fail(Code::kPermission, path + " is not this user's alone: choose another directory");
  return std::move(made->fd);
}

Result<Fd> make_directory_below(int directory, std::string_view relative, mode_t mode) {
  Fd fd;
  int parent = directory;
  while (true) {
    const std::size_t slash = relative.find('/');
    const std::string name(relative.substr(0, slash));
    if (!is_file_name(name))
      return fail(Code::kInvalidArgument, "\"" + name + "\" cannot be part of a trace's directory");
    auto made = make_one(parent, name, name, O_NOFOLLOW, nullptr, mode);
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
  struct stat its {};
  if (::fstat(made, &its) != 0) return;
  // A directory that the owner has put in the place of what we made, such as one of root's in the owner's home, has something
  // in it, or is worth nothing.
  std::error_code error;
  if (S_ISDIR(its.st_mode) &&
      (!std::filesystem::is_empty("/proc/self/fd/" + std::to_string(made), error) || error))
    return;
  (void)::fchown(made, status.st_uid, status.st_gid);
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name.front() != '.' &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

}  // namespace sillage::collect
