// SPDX-License-Identifier: MIT
// From a loaded program to one that runs: links. A link that is closed, and not pinned, detaches.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "kernel/program_plan.hpp"

#include <cstdint>
#include <string>

namespace sillage::kernel {

/// Attaches a program of type tracing: what to is in the program (tracepoint, fentry, fexit,
/// iterator).
///
/// Cost:   some 0.3 ms; detaching costs the same, later.
/// Errors: kPermission, kUnsupported: this kernel does not let functions be traced, naming `what`.
[[nodiscard]] Result<Fd> attach_tracing(int program_fd, const std::string& what);

/// Attaches a program of type raw tracepoint.
[[nodiscard]] Result<Fd> attach_raw_tracepoint(int program_fd, const std::string& tracepoint);

/// Attaches a program of type tracepoint to the tracefs event with that number (`ID:` of its
/// format).
[[nodiscard]] Result<Fd> attach_tracepoint(int program_fd, std::uint32_t event_id,
                                           const std::string& what);

/// Attaches a program of type kprobe to such a place, everywhere.
///
/// Errors: kUnsupported  this kernel has no kprobes, or no uprobes.
///         kNotFound     no such symbol or file.
[[nodiscard]] Result<Fd> attach_probe(int program_fd, const ProbePlace& place);

}  // namespace sillage::kernel
