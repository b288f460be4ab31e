// SPDX-License-Identifier: MIT
#include "apps/proc_files.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace sillage::apps {
namespace {

constexpr std::size_t kStatBytes = 4096;
constexpr std::size_t kStatusBytes = 16384;
constexpr std::size_t kEnvironmentBytes = 4u << 20;
constexpr std::size_t kMapsBytes = 64u << 20;
constexpr int kMaxAncestors = 1024;  // deeper trees are a fork bomb

std::string path_of(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

}  // namespace

std::string read_proc_file(const std::string& path, std::size_t limit_bytes) {
  std::string text;
  Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  while (file && text.size() < limit_bytes) {
    char buffer[16384];
    ssize_t got = read(file.value(), buffer, std::min(sizeof buffer, limit_bytes - text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

std::optional<ProcessFacts> parse_process_facts(const std::string& text) {
  // The name stands in parentheses and may hold any byte, parentheses too: the last one ends it.
  std::size_t open = text.find('('), close = text.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  ProcessFacts facts;
  facts.name = text.substr(open + 1, close - open - 1);
  std::size_t at = close + 2;  // field 3, the state
  for (int field = 3; field <= 22 && at < text.size(); ++field) {
    if (field == 4) facts.parent = static_cast<pid_t>(std::atol(text.c_str() + at));
    if (field == 22) facts.start_ticks = std::strtoull(text.c_str() + at, nullptr, 10);
    at = text.find(' ', at);
    if (at == std::string::npos) break;
    ++at;
  }
  return facts;
}

std::optional<ProcessFacts> process_facts(pid_t pid) {
  return parse_process_facts(read_proc_file(path_of(pid, "stat"), kStatBytes));
}

std::optional<pid_t> parse_innermost_pid(const std::string& text) {
  constexpr std::string_view kKey = "\nNSpid:";
  std::size_t start = text.find(kKey);
  if (start == std::string::npos) return std::nullopt;
  std::size_t end = text.find('\n', start + 1);
  std::string line = text.substr(start, end == std::string::npos ? end : end - start);
  std::size_t last = line.find_last_of("\t ");
  if (last == std::string::npos) return std::nullopt;
  auto inner = static_cast<pid_t>(std::atol(line.c_str() + last + 1));
  if (inner <= 0) return std::nullopt;
  return inner;
}

pid_t innermost_pid(pid_t pid) {
  return parse_innermost_pid(read_proc_file(path_of(pid, "status"), kStatusBytes)).value_or(pid);
}

std::string command_of(std::uint32_t pid) {
  const std::string line = read_proc_file("/proc/" + std::to_string(pid) + "/cmdline", 4096);
  return line.substr(0, std::min(line.find('\0'), line.size()));
}

std::optional<uid_t> process_owner(pid_t pid) {
  struct stat status = {};
  if (stat(path_of(pid, "").c_str(), &status) != 0) return std::nullopt;
  return status.st_uid;
}

std::optional<std::uint32_t> parse_real_id(const std::string& text, std::string_view key) {
  const std::size_t start = text.find("\n" + std::string(key));
  if (start == std::string::npos) return std::nullopt;
  std::uint32_t id = 0;
  if (std::sscanf(text.c_str() + start + 1 + key.size(), "%" SCNu32, &id) != 1) return std::nullopt;
  return id;
}

std::optional<std::uint32_t> parse_mapped_id(const std::string& map, std::uint32_t id) {
  for (std::size_t at = 0; at < map.size();) {
    std::uint32_t inside = 0, outside = 0, count = 0;
    if (std::sscanf(map.c_str() + at, "%" SCNu32 "%" SCNu32 "%" SCNu32, &inside, &outside,
                    &count) == 3 &&
        id >= outside && id - outside < count)
      return inside + (id - outside);
    at = map.find('\n', at);
    if (at == std::string::npos) break;
    ++at;
  }
  return std::nullopt;
}

namespace {

std::optional<std::uint32_t> virtual_id(pid_t pid, std::string_view key, const char* map) {
  const auto id = parse_real_id(read_proc_file(path_of(pid, "status"), kStatusBytes), key);
  if (!id) return std::nullopt;
  return parse_mapped_id(read_proc_file(path_of(pid, map), kStatusBytes), *id);
}

}  // namespace

std::optional<uid_t> virtual_user(pid_t pid) { return virtual_id(pid, "Uid:", "uid_map"); }

std::optional<gid_t> virtual_group(pid_t pid) { return virtual_id(pid, "Gid:", "gid_map"); }

std::optional<std::string> parse_environment(const std::string& text, const std::string& name) {
  const std::string start = name + "=";
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = std::min(text.find('\0', at), text.size());
    if (text.compare(at, start.size(), start) == 0)
      return text.substr(at + start.size(), end - at - start.size());
    at = end + 1;
  }
  return std::nullopt;
}

std::optional<std::string> initial_environment(pid_t pid, const std::string& name) {
  return parse_environment(read_proc_file(path_of(pid, "environ"), kEnvironmentBytes), name);
}

bool is_descendant(pid_t pid, pid_t ancestor) {
  for (int i = 0; i < kMaxAncestors && pid > 0; ++i) {
    if (pid == ancestor) return true;
    auto facts = process_facts(pid);
    if (!facts) return false;
    pid = facts->parent;
  }
  return false;
}

std::vector<ImageInode> parse_mapped_images(const std::string& maps) {
  std::vector<ImageInode> found;
  constexpr std::string_view kName = "/memfd:sillage-image";
  for (std::size_t at = 0; at < maps.size();) {
    std::size_t end = std::min(maps.find('\n', at), maps.size());
    std::string line = maps.substr(at, end - at);
    at = end + 1;
    if (line.find(kName) == std::string::npos) continue;
    unsigned major = 0, minor = 0;
    std::uint64_t inode = 0;
    if (std::sscanf(line.c_str(), "%*s %*s %*s %x:%x %" SCNu64, &major, &minor, &inode) == 3) {
      found.push_back({makedev(major, minor), static_cast<ino_t>(inode)});
    }
  }
  return found;
}

std::optional<std::vector<ImageInode>> mapped_images(pid_t pid) {
  std::string maps = read_proc_file(path_of(pid, "maps"), kMapsBytes);
  if (maps.empty()) return std::nullopt;
  return parse_mapped_images(maps);
}

}  // namespace sillage::apps
