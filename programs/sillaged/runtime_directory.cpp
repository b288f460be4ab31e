// SPDX-License-Identifier: MIT
#include "sillaged/runtime_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace sillage::daemon {

Status prepare_directory(const apps::RuntimePaths& paths) {
  const std::string& path = paths.directory;
  // Root's default one is for the programs of all users; its sockets have modes of their own.
  const bool is_public = paths.domain == SILLAGE_DOMAIN_ROOT;
  const mode_t mode = is_public ? 0755 : 0700;
  if (mkdir(path.c_str(), mode) == 0) {
    if (chmod(path.c_str(), mode) != 0) return fail_errno("cannot set the mode of " + path);
    return {};
  }
  if (errno != EEXIST) return fail_errno("cannot make the directory " + path);
  struct stat status = {};
  if (lstat(path.c_str(), &status) != 0) return fail_errno("cannot examine " + path);
  const bool is_ours = status.st_uid == geteuid() || status.st_uid == 0;
  if (!S_ISDIR(status.st_mode) || !is_ours || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Code::kPermission,
                path +
                    " must be a directory of yours that nobody else may write to: remove it, "
                    "or set SILLAGE_RUNTIME_DIR to another");
  }
  return {};
}

Result<Fd> lock_directory(const apps::RuntimePaths& paths) {
  const std::string path = paths.lock_file();
  Fd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return fail_errno("cannot open " + path);
  if (flock(lock.value(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail_errno("cannot lock " + path);
    char holder[32] = {};
    ssize_t length = pread(lock.value(), holder, sizeof holder - 1, 0);
    std::string pid(holder, length > 0 ? static_cast<std::size_t>(length) : 0);
    while (!pid.empty() && pid.back() == '\n') pid.pop_back();
    return fail(Code::kAlreadyExists, "another sillaged" +
                                          (pid.empty() ? "" : " (pid " + pid + ")") + " serves " +
                                          paths.directory + ": use that one, or stop it first");
  }
  // The file stays when we end: a lock on a removed file would let two daemons believe that they are the one.
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock.value(), 0) != 0 ||
      pwrite(lock.value(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return fail_errno("cannot write " + path);
  }
  return lock;
}

}  // namespace sillage::daemon
