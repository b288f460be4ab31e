// SPDX-License-Identifier: MIT
#include "convert/bit_writer.hpp"

#include <algorithm>
#include <cstring>

namespace sillage::convert {
namespace {
constexpr unsigned kByte = 8;
}  // namespace

void BitWriter::clear() {
  bytes_.clear();
  position_ = 0;
}

void BitWriter::copy(std::span<const std::byte> packet) {
  bytes_.assign(packet.begin(), packet.end());
  position_ = 0;
}

void BitWriter::reserve_to(std::uint64_t bit) {
  const std::uint64_t bytes = (bit + kByte - 1) / kByte;
  if (bytes > bytes_.size()) bytes_.resize(bytes);
}

void BitWriter::align(std::uint64_t alignment_bits) {
  position_ = (position_ + alignment_bits - 1) & ~(alignment_bits - 1);
  reserve_to(position_);
}

void BitWriter::put_bits(std::uint64_t value, unsigned length_bits, ctf::ByteOrder order) {
  reserve_to(position_ + length_bits);
  const bool is_little = order == ctf::ByteOrder::kLittle;
  unsigned left = length_bits;
  while (left != 0) {
    const unsigned taken = position_ % kByte;  // bits of the byte that are someone else's
    const unsigned count = std::min(kByte - taken, left);
    const unsigned mask = (1u << count) - 1;
    const unsigned shift = is_little ? taken : kByte - taken - count;
    const std::uint64_t rest = is_little ? value >> (length_bits - left) : value >> (left - count);
    const unsigned part = static_cast<unsigned>(rest) & mask;
    std::byte& byte = bytes_[position_ / kByte];
    byte =
        (byte & static_cast<std::byte>(~(mask << shift))) | static_cast<std::byte>(part << shift);
    position_ += count;
    left -= count;
  }
}

void BitWriter::put_bytes(std::string_view bytes) {
  align(kByte);
  if (bytes.empty()) return;
  reserve_to(position_ + bytes.size() * kByte);
  std::memcpy(bytes_.data() + position_ / kByte, bytes.data(), bytes.size());
  position_ += bytes.size() * kByte;
}

}  // namespace sillage::convert
