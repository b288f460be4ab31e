// SPDX-License-Identifier: MIT
// Programs into the kernel.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <linux/bpf.h>

#include <cstdint>
#include <span>
#include <string>

namespace sillage::bpf {

/// What a program is to the kernel.
struct ProgramOptions {
  std::string
      name;  ///< for listings; cut at 15 characters, others than letters and digits replaced
  bpf_prog_type type = BPF_PROG_TYPE_TRACING;
  bpf_attach_type attach_type = BPF_TRACE_RAW_TP;
  std::uint32_t attach_btf_id = 0;  ///< what it is for, in BTF; 0 = nothing
  int attach_btf_fd = -1;           ///< the module's BTF that the id is of; -1 = the kernel's
  bool sleepable = false;
};

/// Loads a program: the kernel verifies and compiles it.
///
/// Cost:   1 to 10 ms.
/// Errors: kPermission   the process may not load programs; says which capability is missing.
///         kUnsupported  the verifier refuses it; the message ends with the verifier's last lines.
[[nodiscard]] Result<Fd> load_program(std::span<const bpf_insn> code,
                                      const ProgramOptions& options);

/// The BTF of a module that is loaded now, for ProgramOptions::attach_btf_fd.
///
/// Errors: kNotFound  no such module, or it has no BTF.
[[nodiscard]] Result<Fd> open_module_btf(const std::string& module);

/// The program that a link runs.
///
/// Errors: those of bpf(2): kPermission  it takes CAP_SYS_ADMIN.
[[nodiscard]] Result<Fd> program_of_link(int link_fd);

/// The number that the kernel has for a link.
[[nodiscard]] Result<std::uint32_t> link_id(int link_fd);
/// Whether there is a link of this number.
[[nodiscard]] bool has_link(std::uint32_t link_id);

/// Events that a program was not run for, as it ran already on that CPU, since it was loaded.
///
/// Errors: those of BPF_OBJ_GET_INFO_BY_FD.
[[nodiscard]] Result<std::uint64_t> recursion_misses(int program_fd);

}  // namespace sillage::bpf
