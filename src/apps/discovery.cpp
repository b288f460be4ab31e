// SPDX-License-Identifier: MIT
#include "apps/discovery.hpp"

#include "apps/image_control.hpp"
#include "apps/proc_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace sillage::apps {
namespace {

constexpr std::string_view kImageLink = "/memfd:sillage-image (deleted)";

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// The entries of a directory that are numbers.
std::vector<long> numbers_in(const std::string& path) {
  std::vector<long> numbers;
  Directory directory(opendir(path.c_str()));
  if (!directory) return numbers;
  while (const dirent* entry = readdir(directory.get())) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])))
      numbers.push_back(std::atol(entry->d_name));
  }
  return numbers;
}

std::vector<long> image_descriptors(const std::string& directory) {
  std::vector<long> found;
  for (long fd : numbers_in(directory)) {
    char link[64];
    ssize_t length = readlink((directory + "/" + std::to_string(fd)).c_str(), link, sizeof link);
    if (length > 0 && std::string_view(link, static_cast<std::size_t>(length)) == kImageLink)
      found.push_back(fd);
  }
  return found;
}

bool belongs_here(pid_t pid, uid_t owner, const RuntimePaths& paths) {
  auto environment = [pid](const char* name) { return initial_environment(pid, name); };
  RuntimePaths theirs = runtime_paths(owner, environment);
  // Every program that has no directory of its own registers with root's daemon too.
  if (paths.domain == SILLAGE_DOMAIN_ROOT) return !environment("SILLAGE_RUNTIME_DIR").has_value();
  return theirs == paths;
}

}  // namespace

std::vector<FoundImage> find_images(const RuntimePaths& paths, uid_t uid) {
  struct Candidate {
    std::uint64_t start_ticks;
    pid_t pid;
    std::vector<long> descriptors;
  };
  std::vector<Candidate> candidates;
  for (long number : numbers_in("/proc")) {
    auto pid = static_cast<pid_t>(number);
    auto owner = process_owner(pid);
    if (pid == getpid() || !owner || (uid != 0 && *owner != uid)) continue;
    auto descriptors = image_descriptors("/proc/" + std::to_string(pid) + "/fd");
    if (descriptors.empty() || !belongs_here(pid, *owner, paths)) continue;
    auto facts = process_facts(pid);
    if (facts) candidates.push_back({facts->start_ticks, pid, std::move(descriptors)});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.start_ticks != b.start_ticks ? a.start_ticks < b.start_ticks : a.pid < b.pid;
  });
  std::vector<FoundImage> images;
  std::set<ImageInode> seen;
  for (const Candidate& candidate : candidates) {
    for (long fd : candidate.descriptors) {
      std::string path = "/proc/" + std::to_string(candidate.pid) + "/fd/" + std::to_string(fd);
      // Non-blocking: by now it may be a fifo.
      Fd image(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
      struct stat status = {};
      if (!image || fstat(image.value(), &status) != 0) continue;
      if (seen.insert({status.st_dev, status.st_ino}).second)
        images.push_back({candidate.pid, std::move(image)});
    }
  }
  return images;
}

}  // namespace sillage::apps
