// SPDX-License-Identifier: MIT
#include "collect/packet_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace sillage::collect {
namespace {

// writev takes no const pointers though it only reads.
iovec piece(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

Result<PacketFile> PacketFile::create(int directory, int index_directory, const std::string& name) {
  auto data = AppendFile::create(directory, name);
  if (!data) return tl::unexpected(std::move(data).error());
  // Without its head an index is no index, and without one the next try would find the name taken:
  // all or nothing.
  const auto remove_data = [&] { ::unlinkat(directory, name.c_str(), 0); };
  const std::string index_name = name + ".idx";
  auto index = AppendFile::create(index_directory, index_name);
  if (!index) {
    remove_data();
    return tl::unexpected(std::move(index).error());
  }
  const auto head = ctf::encode_index_header();
  const iovec pieces[] = {piece(head)};
  if (auto written = index->append(pieces); !written) {
    remove_data();
    ::unlinkat(index_directory, index_name.c_str(), 0);
    return tl::unexpected(std::move(written).error());
  }
  return PacketFile(std::move(*data), std::move(*index));
}

Status PacketFile::write(const ctf::Uuid& trace, ctf::PacketHead head,
                         std::span<const std::byte> records) {
  static constexpr std::array<std::byte, ctf::kPacketAlignmentBytes> kPadding{};
  head.content_bytes = ctf::kPacketHeadBytes + records.size();
  std::array<std::byte, ctf::kPacketHeadBytes> head_bytes;
  ctf::encode_packet_head(head_bytes, trace, head);
  const std::uint64_t offset = data_.size();
  const auto padding =
      std::span(kPadding).first(ctf::packet_bytes(head.content_bytes) - head.content_bytes);
  const iovec packet[] = {piece(head_bytes), piece(records), piece(padding)};
  SILLAGE_TRY(data_.append(packet));

  const auto entry = ctf::encode_index_entry(offset, head);
  const iovec pieces[] = {piece(entry)};
  auto indexed = index_.append(pieces);
  if (!indexed) data_.truncate_to(offset);
  return indexed;
}

}  // namespace sillage::collect
