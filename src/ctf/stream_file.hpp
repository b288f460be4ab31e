// SPDX-License-Identifier: MIT
// A data stream file and where its packets are.
#pragma once

#include "base/result.hpp"
#include "ctf/decoder.hpp"
#include "ctf/guarded_mapping.hpp"

#include <atomic>
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
///
/// Code::kNotReady: a last packet that may still be written, which is damage only if is_strict.
using DamageReport = std::function<void(const Error&)>;

/// Whether a report is of a last packet that may still be written.
[[nodiscard]] inline bool is_incomplete(const Error& error) {
  return error.code == Code::kNotReady;
}

/// A file in memory, read-only, as long as it was when it was opened.
///
/// Lifetime: the bytes, until it is destroyed. What another process cuts off meanwhile is zeroes, and
///           take_loss() tells of it; what is appended is not there.
class StreamFile {
 public:
  /// Maps a file.
  ///
  /// Errors: those of open, fstat and mmap; kUnsupported if it is not a regular file.
  [[nodiscard]] static Result<std::shared_ptr<const StreamFile>> open(std::string path);
  ~StreamFile() = default;
  StreamFile(const StreamFile&) = delete;
  StreamFile& operator=(const StreamFile&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return mapping_.bytes(); }

  /// Bytes were read that the file did not have any more: what was made of them is nothing.
  [[nodiscard]] bool is_broken() const { return mapping_.is_broken(); }
  /// What was lost because the file changed while it was read; nothing if it did not, or this said
  /// so already.
  ///
  /// Threads: any.
  /// Cost:    one stat() of the file.
  [[nodiscard]] std::optional<Error> take_loss() const;

  /// Tells the kernel that a range of bytes will not be read again soon, so that reading a large
  /// file does not fill the memory.
  void forget(std::uint64_t first_byte, std::uint64_t byte_count) const;

 private:
  StreamFile() = default;

  std::string path_;
  GuardedMapping mapping_;
  std::uint64_t device_ = 0, inode_ = 0;
  mutable std::atomic<bool> is_told_ = false;
};

/// Reads a whole file into memory: one that is small, and that others may write to meanwhile.
///
/// Errors: as StreamFile::open(); kLimit if it has more than `most_bytes`.
[[nodiscard]] Result<std::vector<std::byte>> read_file(const std::string& path,
                                                       std::uint64_t most_bytes);

/// A packet in a data stream file.
struct PacketPlace {
  const StreamFile* file = nullptr;
  std::uint64_t byte = 0;                       ///< its first
  std::uint64_t byte_count = 0;                 ///< with padding
  std::optional<std::uint64_t> begin{}, end{};  ///< cycles
  std::optional<std::uint64_t> sequence_number{};
  /// It says that it goes on behind the end of the file, but another packet begins at its end.
  bool has_false_size = false;

  /// From its first byte on; up to the end of the file rather than its own, as a packet ends where
  /// its head says.
  [[nodiscard]] std::span<const std::byte> bytes() const {
    return file->bytes().subspan(byte, has_false_size ? byte_count : std::dynamic_extent);
  }

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

/// What is wrong with a packet of which only a part is there, to be said behind its event records:
/// kNotReady if it is the file's last and may still be written; nothing if all of it is there.
[[nodiscard]] std::optional<Error> missing_end(const PacketPlace& place, const PacketInfo& head);

/// Finds the packets of a file by their heads.
///
/// A damaged head is reported, and the search goes on at the next packet that has the magic number
/// and a sound head, also inside a packet that is larger than its file; where packets have no magic
/// number it ends there. Packets of another data stream than the first are damage, too. Nothing is
/// listed of a file that is made shorter meanwhile.
/// Cost: one page per packet is read; what a search may look at, and how many packets
///       a file may have, is bounded by StreamLimits, and said where it ends.
[[nodiscard]] PacketList list_packets(const std::shared_ptr<const Plan>& plan,
                                      const StreamFile& file, const DamageReport& report);

}  // namespace sillage::ctf
