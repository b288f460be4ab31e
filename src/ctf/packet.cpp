// SPDX-License-Identifier: MIT
#include "ctf/packet.hpp"

#include <cstring>

namespace sillage::ctf {

namespace {

constexpr std::uint32_t kPacketMagic = 0xc1fc1fc1;
constexpr std::uint32_t kIndexMagic = 0xc1f1dcc1;
constexpr std::uint32_t kIndexMajor = 1, kIndexMinor = 1;

/// Stores integers one behind the other into a buffer of known size.
class Store {
 public:
  Store(std::byte* at, ByteOrder order) : at_(at), order_(order) {}

  void u32(std::uint32_t value) { integer(value); }
  void u64(std::uint64_t value) { integer(value); }
  void bytes(std::span<const std::byte> bytes) {
    std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

 private:
  template <class T>
  void integer(T value) {
    for (std::size_t i = 0; i < sizeof value; ++i) {
      const std::size_t byte = order_ == ByteOrder::kLittle ? i : sizeof value - 1 - i;
      *at_++ = static_cast<std::byte>(value >> (8 * byte));
    }
  }

  std::byte* at_;
  ByteOrder order_;
};

}  // namespace

void encode_packet_head(std::span<std::byte, kPacketHeadBytes> out, const Uuid& trace_uuid,
                        const PacketHead& head) {
  Store store(out.data(), kNativeByteOrder);
  store.u32(kPacketMagic);
  store.bytes(trace_uuid);
  store.u32(head.stream_class_id);
  store.u64(head.stream_instance_id);
  store.u64(head.begin);
  store.u64(head.end);
  store.u64(head.content_bytes * 8);
  store.u64(packet_bytes(head.content_bytes) * 8);
  store.u64(head.sequence_number);
  store.u64(head.events_discarded);
  store.u32(head.cpu_id);
}

std::array<std::byte, kIndexHeaderBytes> encode_index_header() {
  std::array<std::byte, kIndexHeaderBytes> out;
  Store store(out.data(), ByteOrder::kBig);
  store.u32(kIndexMagic);
  store.u32(kIndexMajor);
  store.u32(kIndexMinor);
  store.u32(kIndexEntryBytes);
  return out;
}

std::array<std::byte, kIndexEntryBytes> encode_index_entry(const IndexEntry& entry) {
  std::array<std::byte, kIndexEntryBytes> out;
  Store store(out.data(), ByteOrder::kBig);
  store.u64(entry.offset_bytes);
  store.u64(entry.packet_bits);
  store.u64(entry.content_bits);
  store.u64(entry.begin);
  store.u64(entry.end);
  store.u64(entry.events_discarded);
  store.u64(entry.stream_class_id);
  store.u64(entry.stream_instance_id);
  store.u64(entry.sequence_number);
  return out;
}

IndexEntry decode_index_entry(std::span<const std::byte, kIndexEntryBytes> bytes) {
  const auto number = [&bytes](std::size_t index) {
    std::uint64_t value = 0;
    for (const std::byte byte : bytes.subspan(index * sizeof value, sizeof value))
      value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
  };
  return {.offset_bytes = number(0),
          .packet_bits = number(1),
          .content_bits = number(2),
          .begin = number(3),
          .end = number(4),
          .events_discarded = number(5),
          .stream_class_id = number(6),
          .stream_instance_id = number(7),
          .sequence_number = number(8)};
}

std::array<std::byte, kIndexEntryBytes> encode_index_entry(std::uint64_t offset_bytes,
                                                           const PacketHead& head) {
  return encode_index_entry({.offset_bytes = offset_bytes,
                             .packet_bits = packet_bytes(head.content_bytes) * 8,
                             .content_bits = head.content_bytes * 8,
                             .begin = head.begin,
                             .end = head.end,
                             .events_discarded = head.events_discarded,
                             .stream_class_id = head.stream_class_id,
                             .stream_instance_id = head.stream_instance_id,
                             .sequence_number = head.sequence_number});
}

}  // namespace sillage::ctf
