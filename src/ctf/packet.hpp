// SPDX-License-Identifier: MIT
// The bytes of packets and of index files. Both are the same in CTF 1.8 and CTF 2.
#pragma once

#include "ctf/model.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sillage::ctf {

/// Bytes of packet header and packet context together: where the first event record of a packet
/// stands.
///
///   0  u32 magic             32  u64 timestamp_begin      64  u64 packet_seq_num
///   4  16 bytes of UUID      40  u64 timestamp_end        72  u64 events_discarded
///  20  u32 stream_id         48  u64 content_size (bits)  80  u32 cpu_id
///  24  u64 stream_instance   56  u64 packet_size (bits)   84  event records
///
/// All in the machine's byte order. `packet_header_class()` and `packet_context_class()` in
/// layout.hpp describe it.
inline constexpr std::size_t kPacketHeadBytes = 84;
inline constexpr std::size_t kPacketSizeOffset = 56, kPacketSequenceOffset = 64;

/// Packets are padded to this many bytes, so that every packet of a file starts aligned.
inline constexpr std::size_t kPacketAlignmentBytes = 8;

/// What stands in front of a packet's event records.
///
/// Units: times in cycles of the data stream's clock (ns); content in bytes, from the packet's
/// first byte.
struct PacketHead {
  std::uint32_t stream_class_id = 0;               ///< the channel
  std::uint64_t stream_instance_id = 0;            ///< the stream within the channel
  std::uint64_t begin = 0;                         ///< not after the first event
  std::uint64_t end = 0;                           ///< not before the last event
  std::uint64_t content_bytes = kPacketHeadBytes;  ///< head and event records, without padding
  std::uint64_t sequence_number = 0;               ///< of the packet in its stream, from 0
  std::uint64_t events_discarded = 0;  ///< in the stream since its start, at the end of this packet
  std::uint32_t cpu_id = 0;            ///< or the buffer's number: StreamsOf
};

/// The size of a packet with that much content: content and padding.
[[nodiscard]] constexpr std::uint64_t packet_bytes(std::uint64_t content_bytes) {
  return (content_bytes + kPacketAlignmentBytes - 1) / kPacketAlignmentBytes *
         kPacketAlignmentBytes;
}

/// Writes the head of a packet over its first bytes: called once the content is known. The caller
/// zeroes the padding.
void encode_packet_head(std::span<std::byte, kPacketHeadBytes> out, const Uuid& trace_uuid,
                        const PacketHead& head);

/// Bytes of an index file: a header, then one entry per packet, in the order of the packets.
///
/// Source: LTTng's CTF index format 1.1; big endian on every machine.
inline constexpr std::size_t kIndexHeaderBytes = 16;
inline constexpr std::size_t kIndexEntryBytes = 72;

[[nodiscard]] std::array<std::byte, kIndexHeaderBytes> encode_index_header();

/// What an index file says of a packet.
struct IndexEntry {
  std::uint64_t offset_bytes = 0;  ///< of the packet in its data stream file
  std::uint64_t packet_bits = 0, content_bits = 0;
  std::uint64_t begin = 0, end = 0;  ///< cycles of the data stream's clock
  std::uint64_t events_discarded = 0;
  std::uint64_t stream_class_id = 0, stream_instance_id = 0;
  std::uint64_t sequence_number = 0;
};
[[nodiscard]] std::array<std::byte, kIndexEntryBytes> encode_index_entry(const IndexEntry& entry);

/// What such bytes say; it may be anything.
[[nodiscard]] IndexEntry decode_index_entry(std::span<const std::byte, kIndexEntryBytes> bytes);

/// The entry of a packet that starts `offset_bytes` into its data stream file.
[[nodiscard]] std::array<std::byte, kIndexEntryBytes> encode_index_entry(std::uint64_t offset_bytes,
                                                                         const PacketHead& head);

}  // namespace sillage::ctf
