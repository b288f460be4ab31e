// SPDX-License-Identifier: MIT
// Names of fields that mean something to readers of CTF 1.8, where CTF 2 has roles.
#pragma once

#include "ctf/model.hpp"

#include <array>
#include <optional>
#include <string_view>

namespace sillage::ctf {

struct ReservedName {
  Scope scope;
  std::string_view name;
  Role role;
};

/// Source: CTF 1.8.3 sections 5.1, 5.2, 6.1.1; LTTng's packets for the last three of the context.
inline constexpr std::array kReservedNames{
    ReservedName{Scope::kPacketHeader, "magic", Role::kPacketMagicNumber},
    ReservedName{Scope::kPacketHeader, "uuid", Role::kMetadataStreamUuid},
    ReservedName{Scope::kPacketHeader, "stream_id", Role::kDataStreamClassId},
    ReservedName{Scope::kPacketHeader, "stream_instance_id", Role::kDataStreamId},
    ReservedName{Scope::kPacketContext, "timestamp_begin", Role::kDefaultClockTimestamp},
    ReservedName{Scope::kPacketContext, "timestamp_end", Role::kPacketEndDefaultClockTimestamp},
    ReservedName{Scope::kPacketContext, "packet_size", Role::kPacketTotalLength},
    ReservedName{Scope::kPacketContext, "content_size", Role::kPacketContentLength},
    ReservedName{Scope::kPacketContext, "packet_seq_num", Role::kPacketSequenceNumber},
    ReservedName{Scope::kPacketContext, "events_discarded",
                 Role::kDiscardedEventRecordCounterSnapshot},
    ReservedName{Scope::kEventRecordHeader, "id", Role::kEventRecordClassId},
    ReservedName{Scope::kEventRecordHeader, "timestamp", Role::kDefaultClockTimestamp},
};

/// The name that a field with this role has in this scope; "" where it says nothing to readers.
[[nodiscard]] constexpr std::string_view reserved_name(Scope scope, Role role) {
  for (const ReservedName& reserved : kReservedNames) {
    if (reserved.scope == scope && reserved.role == role) return reserved.name;
  }
  return {};
}

/// What a name means to readers in this scope, if anything.
[[nodiscard]] constexpr std::optional<Role> reserved_role(Scope scope, std::string_view name) {
  for (const ReservedName& reserved : kReservedNames) {
    if (reserved.scope == scope && reserved.name == name) return reserved.role;
  }
  return std::nullopt;
}

}  // namespace sillage::ctf
