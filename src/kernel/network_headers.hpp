// SPDX-License-Identifier: MIT
// The headers of a packet, IPv4 or IPv6 and TCP, UDP or ICMP behind it, as LTTng's events of the network have them.
#pragma once

#include "bpf/assembler.hpp"
#include "ctf/model.hpp"

#include <cstdint>
#include <string_view>

namespace sillage::kernel {

/// The field of LTTng's `network_header`: a variant, whose selector is the payload's member `tag`.
///
/// Source: lttng-modules 2.13, include/instrumentation/events/net.h, for names and types.
[[nodiscard]] ctf::FieldClassRef network_header_class(std::string_view tag);

/// Most bytes that it takes: IPv6, selector, TCP.
inline constexpr std::uint32_t kMaxNetworkHeaderBytes = 40 + 1 + 20;

/// Emits the copying of the headers at the address in r1 to where r9 points; its selector is the byte in front of that.
/// What cannot be read becomes zeros.
///
/// Registers: r0 to r5 and r8 are lost, r9 moves behind what was written.
/// Stack:     8 bytes at `slot` (offset from r10).
void copy_network_headers(bpf::Assembler& assembler, std::int32_t slot);

}  // namespace sillage::kernel
