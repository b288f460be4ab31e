// SPDX-License-Identifier: MIT
#include "ctf/stream_file.hpp"

#include "base/fd.hpp"
#include "ctf/limits.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
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
  return std::min<std::uint64_t>(text.find(std::string_view(magic.data(), magic.size()), byte),
                                 text.size());
}

Result<Fd> open_regular(const std::string& path, struct stat* status) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(path);
  if (fstat(fd.value(), status) != 0) return fail_errno(path);
  if (!S_ISREG(status->st_mode)) return fail(Code::kUnsupported, path + ": not a regular file");
  return fd;
}

}  // namespace

Result<std::shared_ptr<const StreamFile>> StreamFile::open(std::string path) {
  struct stat status {};
  const auto fd = open_regular(path, &status);
  if (!fd) return tl::unexpected<Error>(fd.error());
  auto mapping = GuardedMapping::map(fd->value(), static_cast<std::size_t>(status.st_size));
  if (!mapping) {
    Error error = std::move(mapping).error();
    error.location = path;
    return tl::unexpected<Error>(std::move(error));
  }
  auto file = std::shared_ptr<StreamFile>(new StreamFile);
  file->path_ = std::move(path);
  file->mapping_ = std::move(*mapping);
  file->device_ = status.st_dev;
  file->inode_ = status.st_ino;
  return std::shared_ptr<const StreamFile>(std::move(file));
}

std::optional<Error> StreamFile::take_loss() const {
  // A file that was removed or replaced is still all there, for who has it open.
  struct stat status {};
  const bool is_same =
      stat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const bool is_shorter = is_same && size < bytes().size();
  if ((!is_shorter && !is_broken()) || is_told_.exchange(true)) return std::nullopt;
  if (is_shorter) {
    return Error{Code::kCorrupt,
                 "the file was made shorter while it was read: " + std::to_string(size) + " of " +
                     std::to_string(bytes().size()) + " bytes are left; nothing more of it is read",
                 path_};
  }
  return Error{Code::kCorrupt,
               "the file was made shorter or could not be read from its disk (dmesg would say): "
               "nothing more of it is read",
               path_};
}

Result<std::vector<std::byte>> read_file(const std::string& path, std::uint64_t most_bytes) {
  struct stat status {};
  const auto fd = open_regular(path, &status);
  if (!fd) return tl::unexpected<Error>(fd.error());
  if (static_cast<std::uint64_t>(status.st_size) > most_bytes) {
    return fail(Code::kLimit,
                "a file of " + std::to_string(status.st_size) + " bytes: more than " +
                    std::to_string(most_bytes) + " are not read here",
                path);
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
  std::size_t count = 0;
  while (count != bytes.size()) {
    const ssize_t got = read(fd->value(), bytes.data() + count, bytes.size() - count);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path);
    if (got == 0) break;
    count += static_cast<std::size_t>(got);
  }
  bytes.resize(count);
  return bytes;
}

void StreamFile::forget(std::uint64_t first_byte, std::uint64_t byte_count) const {
  const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t first = (first_byte + page - 1) / page * page;
  const std::uint64_t last = std::min<std::uint64_t>(first_byte + byte_count, bytes().size());
  if (last / page * page <= first) return;
  // Only advice: the pages are clean and come back from the file when they are read again.
  madvise(const_cast<std::byte*>(bytes().data()) + first, last / page * page - first,
          MADV_DONTNEED);
}

std::optional<Error> missing_end(const PacketPlace& place, const PacketInfo& head) {
  if (!head.is_cut) return std::nullopt;
  const std::string location = place.file->path() + "@" + std::to_string(place.byte);
  if (place.has_false_size) {
    return Error{Code::kCorrupt,
                 "the packet's size is wrong: another packet begins " +
                     std::to_string(place.byte_count) + " bytes behind its start",
                 location};
  }
  return Error{
      Code::kNotReady,
      "incomplete last packet: " + std::to_string((head.missing_bits + kByte - 1) / kByte) +
          " bytes are not there (yet, if it is still being written); the event records "
          "in front of them were read",
      location};
}

namespace {

/// One search for the packets of a file.
class PacketSearch {
 public:
  PacketSearch(const std::shared_ptr<const Plan>& plan, const StreamFile& file,
               const DamageReport& report)
      : file_(file),
        report_(report),
        decoder_(plan),
        bytes_(file.bytes()),
        magic_(magic_bytes(*plan)),
        effort_(StreamLimits::kFreeBytes + StreamLimits::kSearchedBytes * bytes_.size()),
        most_packets_(StreamLimits::kFreePackets + bytes_.size() / StreamLimits::kPacketBytes) {}

  PacketList run() {
    std::uint64_t byte = 0;
    while (byte < bytes_.size() && !file_.is_broken()) {
      if (list_.packets.size() == most_packets_) {
        say(Code::kLimit,
            "more than " + std::to_string(most_packets_) +
                " packets, most of them tiny: the rest is not read",
            byte);
        break;
      }
      byte = decoder_.start_packet(bytes_.subspan(byte)) ? take_packet(byte) : pass_damage(byte);
    }
    return std::move(list_);
  }

 private:
  // Returns where the next packet starts.
  std::uint64_t take_packet(std::uint64_t byte) {
    const PacketInfo info = decoder_.head();
    if (list_.stream != nullptr && !is_of_list(info)) {
      say(Code::kCorrupt, "a packet of another data stream than the first", byte);
      return byte + info.total_bits / kByte;
    }
    list_.stream = info.stream;
    list_.stream_id = info.stream_id;
    decoder_.finish_packet();
    std::uint64_t next = byte + info.total_bits / kByte;
    // The end is not there; or the size is a lie, and hides the packets behind this one.
    if (info.is_cut) next = find_packet(byte + (info.head_bits + kByte - 1) / kByte);
    list_.packets.push_back({.file = &file_,
                             .byte = byte,
                             .byte_count = next - byte,
                             .begin = info.begin,
                             .end = info.end,
                             .sequence_number = info.sequence_number,
                             .has_false_size = info.is_cut && next != bytes_.size()});
    return next;
  }

  std::uint64_t pass_damage(std::uint64_t byte) {
    const Fault::Kind kind = decoder_.fault().kind;
    Error error = decoder_.error(file_.path(), byte);
    const std::uint64_t next = find_packet(byte + 1);
    const bool is_head_cut = (kind == Fault::Kind::kBounds || kind == Fault::Kind::kUnterminated) &&
                             next == bytes_.size() && starts_with_magic(byte);
    if (is_head_cut) {
      say(Code::kNotReady,
          "incomplete last packet: only the first " + std::to_string(bytes_.size() - byte) +
              " bytes of its head are there (yet, if it is still being written)",
          byte);
    } else {
      report_(error);
    }
    return next;
  }

  // Where the next sound head of this data stream is; the end of the file if there is none.
  std::uint64_t find_packet(std::uint64_t byte) {
    if (!magic_) return bytes_.size();
    const std::uint64_t clock = decoder_.clock();
    byte = search(byte);
    decoder_.set_clock(clock);  // heads that were tried are no time that passed
    return byte;
  }

  std::uint64_t search(std::uint64_t byte) {
    for (byte = find_magic(bytes_, byte, *magic_); byte < bytes_.size();
         byte = find_magic(bytes_, byte + 1, *magic_)) {
      if (effort_ < StreamLimits::kHeadBytes) {
        say(Code::kLimit, "too many magic numbers that start no packet: the rest is not read",
            byte);
        return bytes_.size();
      }
      const auto head = bytes_.subspan(
          byte, std::min<std::uint64_t>(StreamLimits::kHeadBytes, bytes_.size() - byte));
      const bool is_sound = decoder_.start_packet(head);
      effort_ -= is_sound ? 0 : looked_at(head.size());
      if (is_sound && (list_.stream == nullptr || is_of_list(decoder_.head()))) return byte;
      if (is_sound) effort_ -= decoder_.head().head_bits / kByte;
    }
    return bytes_.size();
  }

  [[nodiscard]] std::uint64_t looked_at(std::uint64_t all) const {
    const Fault& fault = decoder_.fault();
    return fault.kind == Fault::Kind::kUnterminated ? all : std::min(all, fault.bit / kByte + 1);
  }
  [[nodiscard]] bool is_of_list(const PacketInfo& info) const {
    return info.stream == list_.stream && info.stream_id == list_.stream_id;
  }
  [[nodiscard]] bool starts_with_magic(std::uint64_t byte) const {
    return magic_ && find_magic(bytes_.subspan(0, std::min<std::uint64_t>(bytes_.size(), byte + 4)),
                                byte, *magic_) == byte;
  }
  void say(Code code, std::string message, std::uint64_t byte) {
    report_({code, std::move(message), file_.path() + "@" + std::to_string(byte)});
  }

  const StreamFile& file_;
  const DamageReport& report_;
  Decoder decoder_;
  std::span<const std::byte> bytes_;
  std::optional<std::array<char, 4>> magic_;
  std::uint64_t effort_;  // bytes that may still be looked at
  std::uint64_t most_packets_;
  PacketList list_;
};

}  // namespace

PacketList list_packets(const std::shared_ptr<const Plan>& plan, const StreamFile& file,
                        const DamageReport& report) {
  PacketList list = PacketSearch(plan, file, report).run();
  if (file.is_broken()) {
    if (const auto loss = file.take_loss()) report(*loss);
    return {};
  }
  return list;
}

}  // namespace sillage::ctf
