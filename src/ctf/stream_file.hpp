// SPDX-License-Identifier: MIT
// A data stream file and where its packets are.
#pragma once

#include "base/result.hpp"
#include "ctf/decoder.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sillage::ctf {

/// Called for what is damaged in a trace and was skipped.
using DamageReport = std::function<void(const Error&)>;

/// A file in memory, read-only.
///
/// Lifetime: the bytes, until it is destroyed. A file that another process makes shorter meanwhile
///           ends this process with SIGBUS, as it does any reader of mapped files.
class StreamFile {
 public:
  /// Maps a file.
  ///
  /// Errors: those of open, fstat and mmap; kUnsupported if it is not a regular file.
  [[nodiscard]] static Result<std::shared_ptr<const StreamFile>> open(std::string path);
  ~StreamFile();
  StreamFile(const StreamFile&) = delete;
  StreamFile& operator=(const StreamFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  /// Tells the kernel that a range of bytes will not be read again soon, so that reading a large
  /// file does not fill the memory.
  void forget(std::uint64_t first_byte, std::uint64_t byte_count) const;

 private:
  StreamFile() = default;

  std::string path_;
  std::span<const std::byte> bytes_;
};

/// A packet in a data stream file.
struct PacketPlace {
  const StreamFile* file = nullptr;
  std::uint64_t byte = 0;                       ///< its first
  std::uint64_t byte_count = 0;                 ///< with padding
  std::optional<std::uint64_t> begin{}, end{};  ///< cycles
  std::optional<std::uint64_t> sequence_number{};

  /// The same packet again: snapshots of one recording may overlap.
  [[nodiscard]] bool is_copy_of(const PacketPlace& other) const {
    return begin && begin == other.begin && end == other.end && byte_count == other.byte_count &&
           sequence_number == other.sequence_number;
  }
};

/// Which packets a data stream file holds, and of which data stream they are.
struct PacketList {
  const StreamPlan* stream = nullptr;  ///< none: no packet of the file could be read
  std::optional<std::uint64_t> stream_id{};
  std::vector<PacketPlace> packets{};
};

/// Finds the packets of a file by their heads.
///
/// A damaged head is reported, and the search goes on at the next packet that has the magic number
/// and a sound head; where packets have no magic number it ends there. Packets of another data
/// stream than the first are damage, too.
/// Cost: one page per packet is read.
[[nodiscard]] PacketList list_packets(const std::shared_ptr<const Plan>& plan,
                                      const StreamFile& file, const DamageReport& report);

}  // namespace sillage::ctf
