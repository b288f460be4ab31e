// SPDX-License-Identifier: MIT
// Names of CTF 2's metadata that the writer and the reader share.
#pragma once

#include "ctf/model.hpp"

#include <array>
#include <cstddef>

namespace sillage::ctf {

/// Namespace of the attributes of event record classes that LTTng writes.
inline constexpr const char* kLttngNamespace = "lttng.org,2009";

/// Indexed by Role.
inline constexpr std::array<const char*, kRoleCount> kRoleNames{
    "packet-magic-number",     "metadata-stream-uuid",
    "data-stream-class-id",    "data-stream-id",
    "default-clock-timestamp", "packet-end-default-clock-timestamp",
    "packet-total-length",     "packet-content-length",
    "packet-sequence-number",  "discarded-event-record-counter-snapshot",
    "event-record-class-id",
};

/// Indexed by Scope.
inline constexpr std::array<const char*, 6> kScopeNames{
    "packet-header",
    "packet-context",
    "event-record-header",
    "event-record-common-context",
    "event-record-specific-context",
    "event-record-payload",
};

/// Indexed by Encoding.
inline constexpr std::array<const char*, 5> kEncodingNames{"utf-8", "utf-16be", "utf-16le",
                                                           "utf-32be", "utf-32le"};

/// Indexed by log level: the values of attribute "log-level" as LTTng 2.14 writes and
/// babeltrace 2.1 reads them.
inline constexpr std::array<const char*, 15> kLogLevelNames{
    "emergency",    "alert",      "critical",       "error",         "warning",
    "notice",       "info",       "debug:system",   "debug:program", "debug:process",
    "debug:module", "debug:unit", "debug:function", "debug:line",    "debug",
};

}  // namespace sillage::ctf
