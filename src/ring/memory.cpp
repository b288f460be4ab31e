// SPDX-License-Identifier: MIT
#include "ring/memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

namespace sillage::ring {

Result<Fd> make_memory(const MemoryPlace& place, const char* what, std::uint64_t bytes) {
  if (!place.is_file()) {
    Fd fd(::memfd_create(what, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd || ::ftruncate(fd.value(), static_cast<off_t>(bytes)) != 0 ||
        ::fcntl(fd.value(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
      return fail_errno("cannot make memory for a " + std::string(what));
    return fd;
  }
  Fd fd(::openat(place.directory, place.name.c_str(),
                 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("cannot make the file " + place.name);
  int error_number = EINTR;
  while (error_number == EINTR)
    error_number = ::posix_fallocate(fd.value(), 0, static_cast<off_t>(bytes));
  if (error_number != 0) {
    ::unlinkat(place.directory, place.name.c_str(), 0);
    return fail_errno("cannot take " + std::to_string(bytes) + " bytes for the file " + place.name,
                      error_number);
  }
  return fd;
}

bool is_sealed(int fd) {
  const int seals = ::fcntl(fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_SHRINK) != 0;
}

namespace {

// The number behind a word at the beginning of a line, or the first of the file for "".
std::optional<std::uint64_t> number_in(const std::string& path, std::string_view word) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    unsigned long long value = 0;
    if (!line.starts_with(word)) continue;
    if (std::sscanf(line.c_str() + word.size(), "%llu", &value) != 1) return std::nullopt;
    return value;
  }
  return std::nullopt;
}

// Source: linux/mman.h of 6.5; Debian 12's has them not.
struct CachestatRange {
  std::uint64_t offset, bytes;
};
struct Cachestat {
  std::uint64_t cached, dirty, writeback, evicted, recently_evicted;
};
constexpr long kCachestat = 451;  // on every architecture

// Pages that were written: those that fallocate() has taken in advance are holes to lseek().
std::uint64_t written_bytes(int fd, std::uint64_t offset, std::uint64_t bytes) {
  const auto end = static_cast<off_t>(offset + bytes);
  std::uint64_t sum = 0;
  for (auto at = static_cast<off_t>(offset); at < end;) {
    const off_t data = ::lseek(fd, at, SEEK_DATA);
    if (data < 0 || data >= end) break;
    const off_t hole = std::min(::lseek(fd, data, SEEK_HOLE), end);
    if (hole <= data) break;
    sum += static_cast<std::uint64_t>(hole - data);
    at = hole;
  }
  return sum;
}

}  // namespace

std::string cgroup_in(std::istream& lines, std::string_view controller) {
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    if (line.compare(first + 1, second - first - 1, controller) != 0) continue;
    std::string path = line.substr(second + 1);
    // Seen from another namespace of control groups it may lie above what is mounted here.
    const bool is_below = path.starts_with('/') && (path + "/").find("/../") == std::string::npos;
    return is_below ? path : "/";
  }
  return "/";
}

std::uint64_t cgroup_available_bytes(const std::string& root, std::string group) {
  std::uint64_t least = UINT64_MAX;
  if (!group.starts_with('/')) group.insert(0, 1, '/');
  while (true) {
    // Of version 2, else of version 1. "max" is no number.
    const auto number = [folder = root + group + "/"](const char* file, const char* old_file,
                                                      const char* word, const char* old_word) {
      const auto found = number_in(folder + file, word);
      return found ? found : number_in(folder + old_file, old_word);
    };
    const auto limit = number("memory.max", "memory.limit_in_bytes", "", "");
    const auto used = number("memory.current", "memory.usage_in_bytes", "", "");
    if (limit && used) {
      // Sums over the groups below: those of version 1 have a name of their own.
      std::uint64_t files = 0;
      for (const auto& [word, sum] : {std::pair("inactive_file ", "total_inactive_file "),
                                      std::pair("active_file ", "total_active_file ")})
        files += number("memory.stat", "memory.stat", sum, word).value_or(0);
      const std::uint64_t held = *used - std::min(*used, files);
      least = std::min(least, *limit - std::min<std::uint64_t>(*limit, held));
    }
    // It begins with one, so there is one to be found.
    if (group.size() <= 1) return least;
    group.erase(group.rfind('/'));
  }
}

std::uint64_t machine_memory_bytes() {
  const auto kib = number_in("/proc/meminfo", "MemAvailable:");
  return kib ? *kib * 1024 : UINT64_MAX;
}

std::uint64_t limited_memory_bytes() {
  std::ifstream version_2("/proc/self/cgroup"), version_1("/proc/self/cgroup");
  return std::min(cgroup_available_bytes("/sys/fs/cgroup", cgroup_in(version_2, "")),
                  cgroup_available_bytes("/sys/fs/cgroup/memory", cgroup_in(version_1, "memory")));
}

std::uint64_t available_memory_bytes() {
  return std::min(machine_memory_bytes(), limited_memory_bytes());
}

std::uint64_t resident_bytes(int fd, std::uint64_t offset, std::uint64_t bytes) {
  const CachestatRange range{offset, bytes};
  Cachestat found{};
  if (bytes != 0 && ::syscall(kCachestat, fd, &range, &found, 0) == 0)
    return found.cached * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return written_bytes(fd, offset, bytes);
}

}  // namespace sillage::ring
