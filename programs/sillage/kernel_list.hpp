// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "kernel/catalog.hpp"
#include "kernel/elf_probes.hpp"

#include <string>
#include <vector>

namespace sillage::command {

/// What `sillage list -k` was asked.
struct KernelListOptions {
  bool with_fields = false;
  bool system_calls = false;            ///< these instead of tracepoints
  bool functions = false;               ///< these instead of tracepoints
  std::string file{};                   ///< what of this program can be probed instead
  std::vector<std::string> patterns{};  ///< only what one of them matches; none: everything
};

/// Tracepoints by system, system calls by interface, or functions, as `sillage list -k` prints them.
[[nodiscard]] Result<std::string> kernel_list_text(const kernel::Catalog& catalog,
                                                   const KernelListOptions& options);

/// SDT probes and functions of a program, as `sillage list -k --file` prints them.
[[nodiscard]] Result<std::string> file_list_text(const kernel::ElfProbes& probes,
                                                 const KernelListOptions& options);

/// `sillage list -k`: reads the running kernel and prints.
[[nodiscard]] Result<int> list_kernel(const KernelListOptions& options);

}  // namespace sillage::command
