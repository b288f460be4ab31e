// SPDX-License-Identifier: MIT
#include "import/syscall_names.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>

namespace sillage::import {
namespace {

// The C library's header knows the numbers of the machine that runs this, from another list.
TEST(SyscallName, ThisMachine_AsTheCLibrarySays) {
#if defined(__x86_64__)
  const char* const machine = "x86_64";
#elif defined(__aarch64__)
  const char* const machine = "aarch64";
#else
  GTEST_SKIP() << "no table for this machine";
  const char* const machine = "";
#endif
  EXPECT_EQ(syscall_name(machine, SYS_read), "read");
  EXPECT_EQ(syscall_name(machine, SYS_openat), "openat");
  EXPECT_EQ(syscall_name(machine, SYS_futex), "futex");
  EXPECT_EQ(syscall_name(machine, SYS_exit_group), "exit_group");
  EXPECT_EQ(syscall_name(machine, SYS_statx), "statx");
}

// Numbers that are part of the ABI since these architectures exist.
TEST(SyscallName, OtherMachines_HaveTheirOwnNumbers) {
  if (!syscalls_of_x86_64().empty()) {
    EXPECT_EQ(syscall_name("x86_64", 0), "read");
    EXPECT_EQ(syscall_name("x86_64", 257), "openat");
    EXPECT_GT(syscalls_of_x86_64().size(), 300u);
  }
  if (!syscalls_of_i386().empty()) {
    EXPECT_EQ(syscall_name("i686", 3), "read");
    EXPECT_EQ(syscall_name("i386", 295), "openat");
  }
  if (!syscalls_of_arm64().empty()) {
    EXPECT_EQ(syscall_name("aarch64", 63), "read");
    EXPECT_EQ(syscall_name("aarch64", 56), "openat");
    EXPECT_EQ(syscall_name("aarch64", 79), "newfstatat");
    EXPECT_EQ(syscall_name("aarch64", 222), "mmap");
  }
}

TEST(SyscallName, Unknown_IsEmpty) {
  EXPECT_EQ(syscall_name("x86_64", 100'000), "");
  EXPECT_EQ(syscall_name("x86_64", ~std::uint64_t{0}), "");
  EXPECT_EQ(syscall_name("riscv64", 63), "");
  EXPECT_EQ(syscall_name("", 0), "");
}

}  // namespace
}  // namespace sillage::import
