// SPDX-License-Identifier: MIT
#include "collect/packet_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <optional>
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

Result<PacketFile> PacketFile::replace(int directory, int index_directory,
                                       const std::string& name) {
  // The index first: readers do without one, but not with one of other packets.
  ::unlinkat(index_directory, (name + ".idx").c_str(), 0);
  ::unlinkat(directory, name.c_str(), 0);
  return create(directory, index_directory, name);
}

Result<std::optional<PacketFile::Contents>> PacketFile::open(int directory, int index_directory,
                                                             const std::string& name) {
  const std::string index_name = name + ".idx";
  const Fd data(::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!data && errno == ENOENT) return std::optional<Contents>();
  struct stat data_status {
  }, index_status{};
  if (!data || ::fstat(data.value(), &data_status) != 0)
    return fail_errno("cannot open file " + name);
  const Fd index(::openat(index_directory, index_name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  // The data file is made first: without an index nothing was written yet.
  if (!index && errno != ENOENT) return fail_errno("cannot open file " + index_name);
  if (index && ::fstat(index.value(), &index_status) != 0)
    return fail_errno("cannot open file " + index_name);
  const auto data_bytes = static_cast<std::uint64_t>(data_status.st_size);
  const auto index_bytes = static_cast<std::uint64_t>(index_status.st_size);
  std::uint64_t packets = index_bytes < ctf::kIndexHeaderBytes
                              ? 0
                              : (index_bytes - ctf::kIndexHeaderBytes) / ctf::kIndexEntryBytes;
  // A packet is written before its entry, so the last whole entry has its packet, unless the machine stopped.
  for (; packets > 0; --packets) {
    std::array<std::byte, ctf::kIndexEntryBytes> bytes;
    const std::uint64_t at = ctf::kIndexHeaderBytes + (packets - 1) * ctf::kIndexEntryBytes;
    if (::pread(index.value(), bytes.data(), bytes.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(bytes.size()))
      return fail_errno("cannot read file " + index_name);
    const ctf::IndexEntry last = ctf::decode_index_entry(bytes);
    const std::uint64_t packet_bytes = last.packet_bits / 8;
    if (last.offset_bytes > data_bytes || packet_bytes > data_bytes - last.offset_bytes) continue;
    auto data_file = AppendFile::open(directory, name, last.offset_bytes + packet_bytes);
    if (!data_file) return tl::unexpected(std::move(data_file).error());
    auto index_file = AppendFile::open(index_directory, index_name, at + bytes.size());
    if (!index_file) return tl::unexpected(std::move(index_file).error());
    return Contents{PacketFile(std::move(*data_file), std::move(*index_file)), packets, last};
  }
  ::unlinkat(directory, name.c_str(), 0);
  ::unlinkat(index_directory, index_name.c_str(), 0);
  return std::optional<Contents>();
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
