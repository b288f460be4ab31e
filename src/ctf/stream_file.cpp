// SPDX-License-Identifier: MIT
#include "ctf/stream_file.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace sillage::ctf {
namespace {

constexpr std::uint64_t kByte = 8;

// The bytes of a packet's magic number, if packets start with one: what to search for.
std::optional<std::array<char, 4>> magic_bytes(const Plan& plan) {
  if (plan.packet_header().empty()) return std::nullopt;
  const Field& root = plan.fields()[plan.packet_header().root];
  if (root.children.empty()) return std::nullopt;
  const auto* magic = plan.fields()[root.children.front()].field_class->as<Integer>();
  if (magic == nullptr || !magic->roles.has(Role::kPacketMagicNumber) ||
      magic->layout.length_bits != 32) {
    return std::nullopt;
  }
  if (magic->layout.byte_order == ByteOrder::kLittle) {
    return std::array<char, 4>{'\xc1', '\x1f', '\xfc', '\xc1'};
  }
  return std::array<char, 4>{'\xc1', '\xfc', '\x1f', '\xc1'};
}

// Where the next packet after `byte` might start.
std::uint64_t find_magic(std::span<const std::byte> bytes, std::uint64_t byte,
                         const std::array<char, 4>& magic) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return text.find(std::string_view(magic.data(), magic.size()), byte);
}

}  // namespace

Result<std::shared_ptr<const StreamFile>> StreamFile::open(std::string path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(path);
  struct stat status {};
  if (fstat(fd.value(), &status) != 0) return fail_errno(path);
  if (!S_ISREG(status.st_mode)) return fail(Code::kUnsupported, path + ": not a regular file");
  auto file = std::shared_ptr<StreamFile>(new StreamFile);
  file->path_ = std::move(path);
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size != 0) {
    void* address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.value(), 0);
    if (address == MAP_FAILED) return fail_errno(file->path_);
    file->bytes_ = {static_cast<const std::byte*>(address), size};
  }
  return std::shared_ptr<const StreamFile>(std::move(file));
}

StreamFile::~StreamFile() {
  if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void StreamFile::forget(std::uint64_t first_byte, std::uint64_t byte_count) const {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t first = (first_byte + page - 1) / page * page;
  const std::uint64_t last = std::min<std::uint64_t>(first_byte + byte_count, bytes_.size());
  if (last / page * page <= first) return;
  // Only advice: the pages are clean and come back from the file when they are read again.
  madvise(const_cast<std::byte*>(bytes_.data()) + first, last / page * page - first, MADV_DONTNEED);
}

PacketList list_packets(const std::shared_ptr<const Plan>& plan, const StreamFile& file,
                        const DamageReport& report) {
  PacketList list;
  Decoder decoder(plan);
  const auto magic = magic_bytes(*plan);
  const std::span<const std::byte> bytes = file.bytes();
  std::uint64_t byte = 0;
  bool is_searching = false;  // one report per gap
  while (byte < bytes.size()) {
    const bool is_good = decoder.start_packet(bytes.subspan(byte));
    const PacketInfo& info = decoder.head();
    const bool is_other = is_good && list.stream != nullptr &&
                          (info.stream != list.stream || info.stream_id != list.stream_id);
    if (!is_good || is_other) {
      if (!is_searching) {
        report(is_good ? Error{Code::kCorrupt, "a packet of another data stream than the first",
                               file.path() + "@" + std::to_string(byte)}
                       : decoder.error(file.path(), byte));
      }
      if (is_other) {
        byte += info.total_bits / kByte;
        continue;
      }
      is_searching = true;
      if (!magic) break;
      byte = find_magic(bytes, byte + 1, *magic);
      continue;
    }
    is_searching = false;
    list.stream = info.stream;
    list.stream_id = info.stream_id;
    const std::uint64_t size = info.total_bits / kByte;
    list.packets.push_back({.file = &file,
                            .byte = byte,
                            .byte_count = size,
                            .begin = info.begin,
                            .end = info.end,
                            .sequence_number = info.sequence_number});
    decoder.finish_packet();
    byte += size;
  }
  return list;
}

}  // namespace sillage::ctf
