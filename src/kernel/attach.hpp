// SPDX-License-Identifier: MIT
// From a loaded program to one that runs: links. A link that is closed, and not pinned, detaches.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "kernel/program_plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sillage::kernel {

/// A program that runs. Closing the link ends that; the event, if there is one, is to be closed behind it, which
/// the kernel does one at a time and waiting for its readers (RCU), some 50 ms each.
struct Attachment {
  Fd link, event;
};

/// Closes events without waiting: a process of its own, which lives until the kernel is done, holds them last.
void release_slowly(std::vector<Fd> events);

/// Attaches a program of type tracing: what to is in the program (tracepoint, fentry, fexit,
/// iterator).
///
/// Cost:   some 0.3 ms; detaching costs the same, later.
/// Errors: kPermission, kUnsupported: this kernel does not let functions be traced, naming `what`.
[[nodiscard]] Result<Attachment> attach_tracing(int program_fd, const std::string& what);

/// Makes the link of an iterator's program, for run_iterator(). It runs never by itself.
[[nodiscard]] Result<Fd> link_iterator(int program_fd, const std::string& iterator);

/// Has an iterator's program come to all that there is, now and in this thread.
[[nodiscard]] Status run_iterator(int link_fd, const std::string& iterator);

/// Attaches a program of type raw tracepoint.
[[nodiscard]] Result<Attachment> attach_raw_tracepoint(int program_fd,
                                                       const std::string& tracepoint);

/// Attaches a program of type tracepoint to the tracefs event with that number (`ID:` of its
/// format).
[[nodiscard]] Result<Attachment> attach_tracepoint(int program_fd, std::uint32_t event_id,
                                                   const std::string& what);

/// Attaches a program of type kprobe to such a place, everywhere.
///
/// Errors: kUnsupported  this kernel has no kprobes, or no uprobes.
///         kNotFound     no such symbol or file.
[[nodiscard]] Result<Attachment> attach_probe(int program_fd, const ProbePlace& place);

}  // namespace sillage::kernel
