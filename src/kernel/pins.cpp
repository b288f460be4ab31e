// SPDX-License-Identifier: MIT
#include "kernel/pins.hpp"

#include <bpf/bpf.h>
#include <linux/magic.h>
#include <linux/membarrier.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

namespace sillage::kernel {
namespace {

constexpr char kMountPoint[] = "/sys/fs/bpf";

bool is_bpf_file_system(const std::string& path) {
  struct statfs status {};
  return ::statfs(path.c_str(), &status) == 0 &&
         static_cast<unsigned long>(status.f_type) == static_cast<unsigned long>(BPF_FS_MAGIC);
}

// What lies in a directory is ours only if nobody else can put something there, or its parent, in its place.
Status check_owners(const std::string& path) {
  for (std::string part = path; part.size() > sizeof kMountPoint; part.resize(part.rfind('/'))) {
    struct stat status {};
    if (::lstat(part.c_str(), &status) != 0) return fail_errno("cannot examine " + part);
    const bool is_ours = status.st_uid == ::geteuid() || status.st_uid == 0;
    if (!S_ISDIR(status.st_mode) || !is_ours || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
      return fail(Code::kPermission, part + " is not a directory of ours: remove it");
  }
  return {};
}

}  // namespace

Result<PinDirectory> PinDirectory::create(const std::string& path) {
  if (path.starts_with(kMountPoint) && !is_bpf_file_system(kMountPoint) &&
      ::mount("bpf", kMountPoint, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") != 0)
    return fail(Code::kUnsupported,
                std::string("no BPF file system is mounted at ") + kMountPoint +
                    ", and none can be: " + std::generic_category().message(errno));
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    if (::mkdir(parent.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno("cannot make the directory " + parent);
  }
  if (::mkdir(path.c_str(), 0700) != 0) return fail_errno("cannot make the directory " + path);
  const Status owners = check_owners(path);
  if (owners && is_bpf_file_system(path)) return PinDirectory(path);
  ::rmdir(path.c_str());
  if (!owners) return tl::unexpected(owners.error());
  return fail(Code::kUnsupported, path + " is not in a BPF file system");
}

Result<PinDirectory> PinDirectory::existing(const std::string& path) {
  SILLAGE_TRY(check_owners(path));
  return PinDirectory(path);
}

Status PinDirectory::pin(int fd, const std::string& name) const {
  const std::string file = path_ + "/" + name;
  if (::bpf_obj_pin(fd, file.c_str()) != 0) return fail_errno("cannot pin " + file);
  return {};
}

Result<Fd> PinDirectory::open(const std::string& name) const {
  const std::string file = path_ + "/" + name;
  Fd fd(::bpf_obj_get(file.c_str()));
  if (!fd) return fail_errno("cannot open " + file);
  return fd;
}

std::vector<std::string> PinDirectory::names(std::string_view prefix) const {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(path_, error), end; !error && entry != end;
       entry.increment(error)) {
    std::string name = entry->path().filename();
    if (name.starts_with(prefix)) found.push_back(std::move(name));
  }
  std::sort(found.begin(), found.end());
  return found;
}

void PinDirectory::unpin(const std::string& name) const { ::unlink((path_ + "/" + name).c_str()); }

void PinDirectory::unpin_all(std::string_view prefix) const {
  const std::vector<std::string> all = names(prefix);
  for (const std::string& name : all) unpin(name);
  // Waits for a grace period of RCU.
  if (!all.empty()) (void)::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

void PinDirectory::remove() const {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  for (std::string parent = path_; parent.starts_with(kMountPoint);) {
    parent.resize(parent.rfind('/'));
    if (parent == kMountPoint || ::rmdir(parent.c_str()) != 0) return;
  }
}

void PinDirectory::remove_others(const std::string& parent, const std::vector<std::string>& kept) {
  const PinDirectory all(parent);
  const std::filesystem::path folder(parent);
  for (const std::string& name : all.names(""))
    if (std::find(kept.begin(), kept.end(), name) == kept.end())
      PinDirectory(folder / name).remove();
}

}  // namespace sillage::kernel
