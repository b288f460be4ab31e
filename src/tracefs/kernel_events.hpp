// SPDX-License-Identifier: MIT
// The running kernel's tracefs: where it is, and the events that it describes.
#pragma once

#include "base/result.hpp"
#include "tracefs/event_format.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::tracefs {

/// The directory where tracefs is mounted; mounts it at /sys/kernel/tracing if it is nowhere.
///
/// Errors: kPermission   it is not mounted, and mounting it needs CAP_SYS_ADMIN.
///         kUnsupported  the kernel has none (CONFIG_TRACING).
[[nodiscard]] Result<std::string> find_tracefs();

/// The directory of a tracefs in the text of /proc/self/mounts; /sys/kernel/tracing if it is there.
[[nodiscard]] std::optional<std::string> tracefs_mount(std::string_view mounts);

/// An event by its names.
struct EventName {
  std::string system, event;
  auto operator<=>(const EventName&) const = default;
};

/// All events that tracefs has, sorted.
///
/// Errors: kPermission  tracefs is not readable; says for whom it is.
[[nodiscard]] Result<std::vector<EventName>> event_names(const std::string& tracefs);

/// The description of one event.
///
/// Errors: kNotFound  no such event in the running kernel.
///         kCorrupt, kLimit  as parse_event_format(); location is the file.
/// Cost:   70 microseconds.
[[nodiscard]] Result<EventFormat> read_event_format(const std::string& tracefs,
                                                    const EventName& name);

/// Why no program can be attached to an event: tracefs also describes what only the kernel's own
/// tracers write, into their own buffers. Empty if one can.
///
/// Source: such events have no `enable` file: kernel/trace/trace_events.c event_create_dir().
[[nodiscard]] std::string why_not_recordable(const std::string& tracefs, const EventName& name);

/// The whole text of a small file of the kernel's.
///
/// Errors: those of open() and read(); kLimit above `max_bytes`.
[[nodiscard]] Result<std::string> read_kernel_file(const std::string& path, std::size_t max_bytes);

}  // namespace sillage::tracefs
