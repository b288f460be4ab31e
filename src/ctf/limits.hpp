// SPDX-License-Identifier: MIT
// Every bound on what a trace may make its reader hold: nesting, counts, sizes, memory.
#pragma once

#include <cstddef>
#include <cstdint>

namespace sillage::ctf {

/// Bounds on a metadata stream. What passes one is refused with Code::kLimit and the place.
///
/// The defaults keep reading any metadata below `memory_per_byte` times its size plus
/// `memory_bytes`, and recursion below 256 KiB of stack.
struct MetadataLimits {
  /// Field classes inside each other, aliases resolved. Real ones stay below 10.
  std::uint32_t nesting = 64;
  /// Fields of one packet or event record, arrays counted once and all options of variants
  /// together, aliases resolved: 30 lines of aliases could say a billion.
  std::uint64_t fields = 1u << 20;
  /// Those of all classes of a CTF 2 trace, whose aliases a few bytes can use again: so many, and
  /// one more for each `bytes_per_field` of the metadata. Decoding takes some 200 bytes for each.
  std::uint64_t all_fields = 150'000;
  std::size_t bytes_per_field = 64;
  /// Alignment of a field. Beyond a page nothing real is aligned.
  std::uint32_t alignment_bits = 8 * 4096;
  /// Length of static arrays, strings and BLOBs: as many bits as a packet's 64-bit length can hold.
  /// Nothing is allocated for it.
  std::uint64_t static_length = (std::uint64_t{1} << 61) - 1;
  /// Size of a name or other string.
  std::size_t string_bytes = 1u << 20;
  /// Size of a metadata file. A kernel's with all its events has 1.5 MB.
  std::uint64_t file_bytes = std::uint64_t{2} << 30;
  /// Memory for syntax and model: F28 allows 4 times the input and 64 MiB for the process.
  std::size_t memory_per_byte = 2;
  std::size_t memory_bytes = std::size_t{32} << 20;
};

/// Bounds on the packets of a data stream file. What is behind one is reported and not read.
struct StreamLimits {
  /// Heads that are searched for after damage are shorter. LTTng's have some 100 bytes.
  static constexpr std::uint64_t kHeadBytes = 4096;
  /// Bytes that a search may look at for each byte of the file, and for free: where heads have texts
  /// or arrays, each magic number could cost a look at all that is behind it.
  static constexpr std::uint64_t kSearchedBytes = 2;
  static constexpr std::uint64_t kFreeBytes = 1u << 20;
  /// Packets are larger than this on average, but for some. A list of them takes 80 bytes each, and
  /// three times that while it grows. LTTng's smallest have 4096 bytes.
  static constexpr std::uint64_t kPacketBytes = 64;
  static constexpr std::uint64_t kFreePackets = 1u << 17;
};

}  // namespace sillage::ctf
