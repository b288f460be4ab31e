// SPDX-License-Identifier: MIT
#include "import/syscall_names.hpp"

namespace sillage::import {
namespace {

std::span<const SyscallNumber> syscalls_of(std::string_view machine) {
  if (machine == "x86_64") return syscalls_of_x86_64();
  if (machine == "aarch64") return syscalls_of_arm64();
  // i386 to i686
  if (machine.size() == 4 && machine.starts_with('i') && machine.ends_with("86")) {
    return syscalls_of_i386();
  }
  return {};
}

}  // namespace

std::string_view syscall_name(std::string_view machine, std::uint64_t number) {
  for (const SyscallNumber& known : syscalls_of(machine)) {
    if (static_cast<std::uint64_t>(known.number) == number) return known.name;
  }
  return {};
}

}  // namespace sillage::import
