// SPDX-License-Identifier: MIT
#include "tracefs/kernel_events.hpp"

#include "base/fd.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

namespace sillage::tracefs {
namespace {

constexpr const char* kMountPoint = "/sys/kernel/tracing";

// Folders of a folder; the error of opening it.
Result<std::vector<std::string>> folders_of(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir);
  if (!directory) {
    if (errno == EACCES)
      return fail(Code::kPermission, "cannot read " + path +
                                         ": it is for root, or for the group that tracefs was "
                                         "mounted with (gid=, mode=)");
    return fail_errno("cannot read " + path);
  }
  std::vector<std::string> names;
  while (const dirent* entry = readdir(directory.get())) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string folder_of(const std::string& tracefs, const EventName& name) {
  return tracefs + "/events/" + name.system + "/" + name.event;
}

}  // namespace

std::optional<std::string> tracefs_mount(std::string_view mounts) {
  std::optional<std::string> found;
  while (!mounts.empty()) {
    const std::size_t end = std::min(mounts.find('\n'), mounts.size());
    std::string_view line = mounts.substr(0, end);
    mounts.remove_prefix(std::min(end + 1, mounts.size()));
    // DEVICE FOLDER TYPE OPTIONS ...
    const auto word = [&line] {
      const std::size_t space = std::min(line.find(' '), line.size());
      const std::string_view taken = line.substr(0, space);
      line.remove_prefix(std::min(space + 1, line.size()));
      return taken;
    };
    word();
    const std::string_view folder = word();
    if (word() != "tracefs") continue;
    if (folder == kMountPoint) return std::string(folder);
    if (!found) found = std::string(folder);
  }
  return found;
}

Result<std::string> read_kernel_file(const std::string& path, std::size_t max_bytes) {
  const Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("cannot read " + path);
  std::string text;
  constexpr std::size_t kChunk = 16384;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + kChunk);
    const ssize_t count = read(file.value(), text.data() + before, kChunk);
    if (count < 0 && errno == EINTR) {
      text.resize(before);
      continue;
    }
    if (count < 0) return fail_errno("cannot read " + path);
    text.resize(before + static_cast<std::size_t>(count));
    if (count == 0) return text;
    if (text.size() > max_bytes)
      return fail(Code::kLimit, path + " is larger than " + std::to_string(max_bytes) + " bytes");
  }
}

Result<std::string> find_tracefs() {
  constexpr std::size_t kMaxMounts = std::size_t{64} << 20;
  const auto mounts = read_kernel_file("/proc/self/mounts", kMaxMounts);
  if (mounts) {
    if (auto mounted = tracefs_mount(*mounts)) return std::move(*mounted);
  }
  if (mount("tracefs", kMountPoint, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) == 0)
    return std::string(kMountPoint);
  if (errno == EPERM || errno == EACCES)
    return fail(Code::kPermission,
                std::string("tracefs is not mounted, and mounting it needs CAP_SYS_ADMIN: as root, "
                            "mount -t tracefs tracefs ") +
                    kMountPoint);
  if (errno == ENODEV || errno == ENOENT)
    return fail(Code::kUnsupported,
                "this kernel has no tracefs: kernel events need CONFIG_TRACING=y");
  return fail_errno(std::string("cannot mount tracefs at ") + kMountPoint);
}

Result<std::vector<EventName>> event_names(const std::string& tracefs) {
  const std::string folder = tracefs + "/events";
  auto systems = folders_of(folder);
  if (!systems) return tl::unexpected(std::move(systems).error());
  std::vector<EventName> names;
  for (const std::string& system : *systems) {
    auto events = folders_of(std::string(folder).append("/").append(system));
    if (!events) {
      if (events.error().code == Code::kNotFound) continue;  // a module went away meanwhile
      return tl::unexpected(std::move(events).error());
    }
    for (std::string& event : *events) names.push_back({system, std::move(event)});
  }
  return names;
}

Result<EventFormat> read_event_format(const std::string& tracefs, const EventName& name) {
  const std::string path = folder_of(tracefs, name) + "/format";
  auto text = read_kernel_file(path, kMaxFormatBytes);
  if (!text) {
    if (text.error().code == Code::kNotFound)
      return fail(Code::kNotFound,
                  "the running kernel has no event " + name.system + ":" + name.event);
    return tl::unexpected(std::move(text).error());
  }
  auto format = parse_event_format(name.system, *text, sizeof(long));
  if (!format) {
    Error error = std::move(format).error();
    error.location = path;
    return tl::unexpected(std::move(error));
  }
  return format;
}

std::string why_not_recordable(const std::string& tracefs, const EventName& name) {
  if (access((folder_of(tracefs, name) + "/enable").c_str(), F_OK) == 0) return {};
  return "not a tracepoint: only the kernel's own tracer writes it";
}

}  // namespace sillage::tracefs
