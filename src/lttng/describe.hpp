// SPDX-License-Identifier: MIT
// Sessions, channels and rules as LTTng shows them: as text, and in its machine interface.
#pragma once

#include "control/control.pb.h"
#include "lttng/context.hpp"
#include "lttng/memory_usage.hpp"
#include "lttng/mi_document.hpp"

#include <string>
#include <vector>

namespace sillage::lttng {

struct Agent;

/// Which parts of a session are shown; without any of the domains: all.
struct Shown {
  std::string channel{};
  bool only_kernel = false, only_user = false, only_domains = false;
  const Agent* only_agent = nullptr;
  MemoryShown memory = MemoryShown::kNothing;
};

/// All sessions, a few lines each, as `lttng list` prints them.
[[nodiscard]] std::string sessions_text(const control::v1::ListSessionsResponse& list);
/// One session with its channels and rules, as `lttng list SESSION` prints it.
[[nodiscard]] std::string session_text(const control::v1::Session& session, const Shown& shown);
/// Programs and their tracepoints, as `lttng list --userspace` prints them.
[[nodiscard]] std::string programs_text(const control::v1::ListResponse& list, bool with_fields);

/// What the kernel has, as `lttng list --kernel` prints it.
[[nodiscard]] std::string kernel_events_text(const std::vector<KernelEvent>& events,
                                             bool are_system_calls);

/// <probe_attributes> of a place in the kernel: SYMBOL, SYMBOL+OFFSET or an address.
void write_kernel_place(const std::string& place, XmlWriter* writer);

/// A session as <session>; with or without what is in it.
void write_session(const control::v1::Session& session, const Shown* shown, MiDocument* document);
/// A channel as <channel>, left open, so that more can be said of it.
void open_channel(const control::v1::SessionChannel& channel, MiDocument* document);
/// A channel's <reclaim_policy>, if it has one.
void write_reclaim_policy(const control::v1::ChannelRequest& options, XmlWriter* writer);
/// A rule as <event>, left open, so that more can be said of it.
void open_rule(const control::v1::RecordingRule& rule, bool is_enabled, MiDocument* document);
void write_kernel_events(const std::vector<KernelEvent>& events, bool with_fields,
                         MiDocument* document);
void write_programs(const control::v1::ListResponse& list, bool with_fields, MiDocument* document);

/// "TRACE_INFO (6)" and so on.
[[nodiscard]] std::string level_text(std::uint32_t level);

}  // namespace sillage::lttng
