// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "control/control.pb.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sillage::command {

/// The command line of `sillage record`, as typed.
struct RecordOptions {
  std::string name, output;  ///< empty: chosen
  std::vector<std::string> events, exclusions, contexts;
  std::string level, level_only;
  bool overwrite = false;
  std::string subbuf_size, blocking_timeout;
  std::uint32_t subbuf_count = 0;  ///< 0: default
  std::string buffers = "user", trace_format = "ctf-1.8";
  std::vector<int> pids;
  std::string duration;
  bool kernel = false;
  std::string syscalls;  ///< patterns with commas between; "" = none
  std::vector<std::string> functions;
  std::vector<std::string> probes, userspace_probes;
  std::string filter;  ///< "" = none
  std::uint32_t syscall_bytes = 0;
  bool no_state_dump = false, memory_maps = false;
  std::vector<std::string> program;  ///< with its arguments; empty: record all programs
};

/// The same, checked and ready to send.
struct RecordPlan {
  control::v1::CreateRecordingRequest request;
  std::optional<std::uint64_t> duration_ns;
  bool allows_blocking = false;
  std::string mark_name, mark_value;  ///< for the environment of the program
};

/// Whether the kernel's events are asked for: -k, or an option that only the kernel has.
[[nodiscard]] bool records_kernel(const RecordOptions& options);

/// Checks the options and fills in what was left out.
///
/// Errors: kInvalidArgument  what cannot be, and what to write instead;
///         kNotFound         no process of that number; no place for the trace.
[[nodiscard]] Result<RecordPlan> plan_recording(const RecordOptions& options);

/// Where traces go when nobody says: $LTTNG_HOME or $HOME, /lttng-traces/NAME-YYYYmmdd-HHMMSS, as LTTng's.
///
/// Errors: kNotFound  neither variable is set.
[[nodiscard]] Result<std::string> default_output(const std::string& name);

}  // namespace sillage::command
