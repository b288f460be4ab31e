// SPDX-License-Identifier: MIT
// `sillage doctor`: what this machine allows, and what to do about the rest.
#pragma once

#include "kernel/abilities.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sillage::command {

/// What a machine says of itself. Texts are as the kernel has them; absent: it does not say.
struct MachineFacts {
  uid_t uid = 0;
  std::string release, architecture;
  std::uint64_t capabilities = 0;            ///< effective, bit N = capability N
  std::optional<std::string> lockdown;       ///< "[none] integrity confidentiality"
  std::optional<std::string> bpf_jit;        ///< net.core.bpf_jit_enable
  std::optional<std::string> perf_paranoid;  ///< kernel.perf_event_paranoid
  std::optional<std::string> clock_source;
  bool has_rseq = false;           ///< the C library registered one for this thread
  std::uint64_t memory_bytes = 0;  ///< available to programs that start now
  std::uint64_t limited_memory_bytes = UINT64_MAX;  ///< that limits of control groups leave
  std::uint64_t descriptor_limit = 0;
  std::string runtime_directory;
  std::string runtime_trouble;             ///< why no daemon could run there; empty if one can
  std::string daemon;                      ///< "0.1.0, pid 12"; empty if none runs
  std::vector<kernel::Ability> abilities;  ///< empty if there was no right to try
};

enum class Verdict : std::uint8_t { kGood, kLimited, kBad };

/// One line of the report.
struct Finding {
  std::string subject, found;
  Verdict verdict = Verdict::kGood;
  std::string remedy;  ///< what is lost, and what to do; "" if nothing is
};

/// Looks at the machine. As root this loads and attaches empty programs, see kernel::try_abilities().
[[nodiscard]] MachineFacts examine_machine();

/// Judges what was found: user space first, then the kernel.
[[nodiscard]] std::vector<Finding> judge(const MachineFacts& facts);

/// The report, a finding a line, its remedy below it.
[[nodiscard]] std::string doctor_text(const std::vector<Finding>& findings);

/// Examines, judges, prints. Returns the exit status: 0 if everything works or works in part, 1 if something that people
/// need does not work at all.
[[nodiscard]] int doctor();

}  // namespace sillage::command
