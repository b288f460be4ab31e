// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

namespace sillage::ring {

/// Where memory lies that several processes share: nowhere by name, or in a file that outlives all of them.
struct MemoryPlace {
  int directory = -1;  ///< of the file; -1: none
  std::string name{};
  [[nodiscard]] bool is_file() const { return directory >= 0; }
};

/// Makes so many bytes of zeros: a memfd that nobody can make shorter or longer, of which nothing is taken yet; or a file,
/// the owner's alone, with all its room taken: who writes it finds that on a full file system, too.
///
/// Errors: kAlreadyExists  there is a file of the name, or a link; kNoSpace; others of the file system, naming the file.
[[nodiscard]] Result<Fd> make_memory(const MemoryPlace& place, const char* what,
                                     std::uint64_t bytes);
/// Whether it is memory that nobody can make shorter.
[[nodiscard]] bool is_sealed(int fd);

/// Bytes that can be taken of the machine's memory without swapping, as the kernel says; UINT64_MAX if it does not say.
///
/// Threads: any.
[[nodiscard]] std::uint64_t machine_memory_bytes();

/// What the limits of this process's control groups leave, in a container or a service that has some; UINT64_MAX without.
///
/// Threads: any.
/// Cost:    reads a few files of each control group, some 0.3 ms.
[[nodiscard]] std::uint64_t limited_memory_bytes();

/// The less of the two: in a container or a service with a limit, no more than is left of that.
///
/// Threads: any.
/// Cost:    that of limited_memory_bytes().
[[nodiscard]] std::uint64_t available_memory_bytes();

/// The control group that a process is in, of the lines of its /proc/PID/cgroup: "0::/PATH" in version 2 (`controller` ""),
/// "4:memory:/PATH" in version 1. Begins with '/', and leads nowhere else; "/" where the lines do not say.
[[nodiscard]] std::string cgroup_in(std::istream& lines, std::string_view controller);

/// What the limits of a control group and of those above it leave (either version): `group` is a path below `root`, where
/// they are mounted. UINT64_MAX without a limit. Pages of files count as free: the kernel drops them for others.
[[nodiscard]] std::uint64_t cgroup_available_bytes(const std::string& root, std::string group);

/// Bytes that a part of a memory file takes of the machine's memory at this moment: pages that were taken in advance count,
/// where the kernel (6.5 or later) says so; else those that were written.
[[nodiscard]] std::uint64_t resident_bytes(int fd, std::uint64_t offset, std::uint64_t bytes);

}  // namespace sillage::ring
