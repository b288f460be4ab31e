// SPDX-License-Identifier: MIT
// What LTTng calls what the kernel's own tracers record: the rules of lttng_names.txt.
#pragma once

#include <string>
#include <string_view>

namespace sillage::tracefs {

/// LTTng's name of a kernel tracepoint; `event` itself where LTTng has the kernel's name, or has no
/// such event.
///
/// Source: lttng_names.txt, from LTTng-modules' include/instrumentation/events.
[[nodiscard]] std::string lttng_event_name(std::string_view system, std::string_view event);

/// LTTng's name of a field of such a tracepoint; `field` itself where there is no rule.
///
/// Most rules are the same: the kernel's `pid` is a thread's, LTTng says `tid`.
[[nodiscard]] std::string_view lttng_field_name(std::string_view system, std::string_view event,
                                                std::string_view field);

/// Whether LTTng leaves a field out because the event's name says it: `__syscall_nr`.
[[nodiscard]] bool is_left_out(std::string_view system, std::string_view field);

}  // namespace sillage::tracefs
