// SPDX-License-Identifier: MIT
#include "ctf/packet_index.hpp"

#include "ctf/bit_load.hpp"
#include "ctf/packet.hpp"

#include <algorithm>
#include <filesystem>

namespace sillage::ctf {
namespace {

const std::uint8_t* start_of(std::span<const std::byte> bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}
std::uint64_t number_at(std::span<const std::byte> bytes, std::size_t byte) {
  return load_bits(Load::kBig64, start_of(bytes), byte * kByte, 64);
}

IndexEntry entry_at(std::span<const std::byte> entry) {
  return {.offset_bytes = number_at(entry, 0),
          .packet_bits = number_at(entry, 8),
          .content_bits = number_at(entry, 16),
          .begin = number_at(entry, 24),
          .end = number_at(entry, 32),
          .events_discarded = number_at(entry, 40),
          .stream_class_id = number_at(entry, 48),
          .stream_instance_id = number_at(entry, 56),
          .sequence_number = number_at(entry, 64)};
}

// The head of the packet says the same.
bool is_confirmed(const IndexEntry& entry, const PacketPlace& place, Decoder* decoder) {
  if (!decoder->start_packet(place.bytes())) return false;
  const PacketInfo& info = decoder->head();
  return info.stream->stream_class->id == entry.stream_class_id &&
         info.stream_id == entry.stream_instance_id && info.begin == entry.begin &&
         info.end == entry.end && info.sequence_number == entry.sequence_number &&
         info.total_bits == entry.packet_bits && !info.is_cut;
}

}  // namespace

std::optional<PacketList> read_packet_index(const std::shared_ptr<const Plan>& plan,
                                            const StreamFile& file) {
  const std::filesystem::path path(file.path());
  const std::filesystem::path index_path =
      path.parent_path() / "index" / (path.filename().string() + ".idx");
  std::error_code error;
  if (!std::filesystem::is_regular_file(index_path, error)) return std::nullopt;
  const auto index = StreamFile::open(index_path.string());
  if (!index) return std::nullopt;
  std::span<const std::byte> bytes = (*index)->bytes();
  const auto header = encode_index_header();
  if (bytes.size() < header.size() || !std::equal(header.begin(), header.end(), bytes.begin())) {
    return std::nullopt;
  }
  bytes = bytes.subspan(header.size());
  const std::uint64_t count = bytes.size() / kIndexEntryBytes;
  if (count < IndexTrust::kLeastPackets || bytes.size() % kIndexEntryBytes != 0)
    return std::nullopt;

  PacketList list;
  list.packets.reserve(count);
  std::uint64_t next = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const IndexEntry entry = entry_at(bytes.subspan(i * kIndexEntryBytes, kIndexEntryBytes));
    const std::uint64_t size = entry.packet_bits / kByte;
    // Any number: nothing may overflow.
    if (entry.offset_bytes != next || entry.packet_bits % kByte != 0 || size == 0 ||
        size > file.bytes().size() - next || entry.content_bits > entry.packet_bits ||
        entry.end < entry.begin) {
      return std::nullopt;
    }
    if (i == 0) {
      list.stream = plan->find_stream(entry.stream_class_id);
      list.stream_id = entry.stream_instance_id;
    }
    if (list.stream == nullptr || list.stream->stream_class->id != entry.stream_class_id ||
        list.stream_id != entry.stream_instance_id) {
      return std::nullopt;
    }
    list.packets.push_back({.file = &file,
                            .byte = entry.offset_bytes,
                            .byte_count = size,
                            .begin = entry.begin,
                            .end = entry.end,
                            .sequence_number = entry.sequence_number});
    next += size;
  }
  if (next != file.bytes().size()) return std::nullopt;
  Decoder decoder(plan);
  for (std::uint64_t i = 0; i < IndexTrust::kHeads; ++i) {
    const std::uint64_t packet = i * (count - 1) / (IndexTrust::kHeads - 1);
    const auto entry = bytes.subspan(packet * kIndexEntryBytes, kIndexEntryBytes);
    if (!is_confirmed(entry_at(entry), list.packets[packet], &decoder)) return std::nullopt;
  }
  if ((*index)->is_broken() || file.is_broken()) return std::nullopt;
  return list;
}

}  // namespace sillage::ctf
