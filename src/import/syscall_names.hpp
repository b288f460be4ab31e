// SPDX-License-Identifier: MIT
// Names of system calls by number.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sillage::import {

struct SyscallNumber {
  long number;
  const char* name;
};

/// The calls of one architecture; empty if the headers of the build did not say.
///
/// Source: asm/unistd_64.h, asm/unistd_32.h and asm-generic/unistd.h of the machine that built this,
///         from which syscall_tables.cmake makes these functions.
[[nodiscard]] std::span<const SyscallNumber> syscalls_of_x86_64();
[[nodiscard]] std::span<const SyscallNumber> syscalls_of_i386();
[[nodiscard]] std::span<const SyscallNumber> syscalls_of_arm64();

/// The name of a system call, such as "openat"; "" if it is not known.
///
/// `machine`: as uname(2) says it. Numbers of 32-bit processes on a 64-bit kernel are those of
/// another architecture, which a trace does not say: the caller gets a wrong name for them.
[[nodiscard]] std::string_view syscall_name(std::string_view machine, std::uint64_t number);

}  // namespace sillage::import
