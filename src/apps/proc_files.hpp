// SPDX-License-Identifier: MIT
// What /proc says about processes. All of it may be gone, or another process's, by the time it is read: callers
// hold a pidfd and ask again whether that process lives.
#pragma once

#include "apps/image_control.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::apps {

/// What a process is called and who its parent is.
struct ProcessFacts {
  std::string name;  ///< as the kernel has it: at most 15 bytes
  pid_t parent = 0;
  std::uint64_t start_ticks = 0;  ///< since boot: with the pid, the identity of a process
};

/// A whole file of /proc, at most `limit_bytes` of it; empty if it cannot be read.
[[nodiscard]] std::string read_proc_file(const std::string& path, std::size_t limit_bytes);

/// Facts of /proc/PID/stat; nothing if there is no such process.
[[nodiscard]] std::optional<ProcessFacts> process_facts(pid_t pid);

/// How a process was called: the first word of its command line; "" if there is no such process.
[[nodiscard]] std::string command_of(std::uint32_t pid);

/// The pid of a process in its own, innermost namespace; `pid` itself if that cannot be read.
[[nodiscard]] pid_t innermost_pid(pid_t pid);

/// Who owns a process (its effective user); nothing if there is no such process.
[[nodiscard]] std::optional<uid_t> process_owner(pid_t pid);

/// A process's user (the real one) as the process sees it, in its user namespace; nothing if there is no such process,
/// or it has no number there.
[[nodiscard]] std::optional<uid_t> virtual_user(pid_t pid);
/// The same of its group.
[[nodiscard]] std::optional<gid_t> virtual_group(pid_t pid);

/// The value a variable had when the process was started; nothing if unset or not readable.
[[nodiscard]] std::optional<std::string> initial_environment(pid_t pid, const std::string& name);

/// Whether `ancestor` is `pid` or among its ancestors.
[[nodiscard]] bool is_descendant(pid_t pid, pid_t ancestor);

/// The images that a process has mapped; nothing if its map cannot be read.
[[nodiscard]] std::optional<std::vector<ImageInode>> mapped_images(pid_t pid);

/// The same from the text of such a file: a process chooses its name, its environment and what it maps.
[[nodiscard]] std::optional<ProcessFacts> parse_process_facts(const std::string& stat);
[[nodiscard]] std::optional<pid_t> parse_innermost_pid(const std::string& status);
/// The first number behind `key`, "Uid:" or "Gid:", of a status file: the real id.
[[nodiscard]] std::optional<std::uint32_t> parse_real_id(const std::string& status,
                                                         std::string_view key);
/// What an id is called in the namespace whose uid_map or gid_map this is; nothing if it has no name there.
[[nodiscard]] std::optional<std::uint32_t> parse_mapped_id(const std::string& map,
                                                           std::uint32_t id);
[[nodiscard]] std::optional<std::string> parse_environment(const std::string& environ,
                                                           const std::string& name);
[[nodiscard]] std::vector<ImageInode> parse_mapped_images(const std::string& maps);

}  // namespace sillage::apps
