// SPDX-License-Identifier: MIT
#include "ctf/packetized_metadata.hpp"

#include "ctf/model.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace sillage::ctf {

namespace {

constexpr std::uint32_t kMagic = 0x75d11d57;
constexpr std::size_t kHeaderBytes = 37;      // of CTF 1.8
constexpr std::size_t kLongHeaderBytes = 44;  // of CTF2-PMETA-1.0
constexpr std::size_t kUuidAt = 4, kContentBitsAt = 24, kPacketBitsAt = 28, kCompressionAt = 32;
constexpr std::size_t kMajorAt = 35, kMinorAt = 36, kHeaderBitsAt = 40;

std::uint32_t number(std::span<const std::byte> bytes, std::size_t offset, ByteOrder order) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return order == kNativeByteOrder ? value : __builtin_bswap32(value);
}

/// The byte order in which the bytes begin with the magic number, if they do.
std::optional<ByteOrder> byte_order_of(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof kMagic) return std::nullopt;
  for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
    if (number(bytes, 0, order) == kMagic) return order;
  }
  return std::nullopt;
}

std::string place(std::size_t offset) { return "byte " + std::to_string(offset); }

/// The packets of one stream, one after the other.
class Unpacker {
 public:
  Result<std::string> unpack(std::span<const std::byte> bytes) {
    std::size_t offset = 0;
    while (bytes.size() - offset >= kHeaderBytes) {
      auto size = unpack_packet(bytes.subspan(offset), offset);
      if (!size) return tl::unexpected(std::move(size).error());
      if (*size > bytes.size() - offset) break;  // without its padding
      offset += *size;
    }
    return std::move(text_);
  }

 private:
  /// Adds the text of the packet at the start of `packet`; returns how many bytes it has.
  Result<std::size_t> unpack_packet(std::span<const std::byte> packet, std::size_t offset) {
    const auto order = byte_order_of(packet);
    if (!order)
      return fail(Code::kCorrupt, "a metadata packet should begin here, but has no magic number",
                  place(offset));
    constexpr const char* kSchemes[] = {"compressed", "encrypted", "with a checksum"};
    for (std::size_t i = 0; i < 3; ++i) {
      if (packet[kCompressionAt + i] != std::byte{0})
        return fail(Code::kUnsupported,
                    std::string("metadata packets that are ") + kSchemes[i] + " cannot be read",
                    place(offset + kCompressionAt + i));
    }
    const auto major = std::to_integer<unsigned>(packet[kMajorAt]);
    const auto minor = std::to_integer<unsigned>(packet[kMinorAt]);
    if (!(major == 1 && minor == 8) && !(major == 2 && minor == 0))
      return fail(Code::kUnsupported,
                  "metadata packets of version " + std::to_string(major) + "." +
                      std::to_string(minor) + " cannot be read, only those of CTF 1.8 and 2.0",
                  place(offset + kMajorAt));
    if (!uuid_) uuid_ = packet.subspan(kUuidAt, sizeof(Uuid));
    if (!std::equal(uuid_->begin(), uuid_->end(), packet.begin() + kUuidAt))
      return fail(Code::kCorrupt,
                  "this metadata packet has another UUID than those before it: "
                  "metadata of two traces are in one file",
                  place(offset + kUuidAt));
    const std::uint32_t content_bits = number(packet, kContentBitsAt, *order);
    const std::uint32_t packet_bits = number(packet, kPacketBitsAt, *order);
    const std::size_t content = content_bits / 8, size = packet_bits / 8;
    if (content_bits % 8 != 0 || packet_bits % 8 != 0 || content < kHeaderBytes || size < content)
      return fail(Code::kCorrupt,
                  "sizes of a metadata packet that cannot be: " + std::to_string(content_bits) +
                      " bits of content in " + std::to_string(packet_bits),
                  place(offset + kContentBitsAt));
    if (content > packet.size())
      return fail(Code::kCorrupt,
                  "this metadata packet is cut short: " + std::to_string(content) +
                      " bytes are said, " + std::to_string(packet.size()) + " are there",
                  place(offset));
    const std::size_t header = header_size(packet.first(content), *order, major);
    text_.append(reinterpret_cast<const char*>(packet.data()) + header, content - header);
    return size;
  }

  /// LTTng's packets of version 2.0 have text where CTF2-PMETA-1.0 has reserved bytes and the size
  /// of the header. Text read as that size is above a million: its bytes are 9 at least.
  static std::size_t header_size(std::span<const std::byte> content, ByteOrder order,
                                 unsigned major) {
    if (major < 2 || content.size() < kLongHeaderBytes) return kHeaderBytes;
    const std::uint32_t bits = number(content, kHeaderBitsAt, order);
    const bool is_size =
        bits % 8 == 0 && bits / 8 >= kLongHeaderBytes && bits / 8 <= content.size();
    constexpr std::uint32_t kLargestHeaderBits = 1u << 16;
    return is_size && bits <= kLargestHeaderBits ? bits / 8 : kHeaderBytes;
  }

  std::string text_;
  std::optional<std::span<const std::byte>> uuid_;
};

}  // namespace

bool is_packetized_metadata(std::span<const std::byte> bytes) {
  return byte_order_of(bytes).has_value();
}

Result<std::string> unpack_metadata(std::span<const std::byte> bytes) {
  return Unpacker().unpack(bytes);
}

}  // namespace sillage::ctf
