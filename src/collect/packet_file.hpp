// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "collect/append_file.hpp"
#include "ctf/packet.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sillage::collect {

/// One data stream of a trace on disk: the packets, and the index beside them. Both always end on a
/// whole packet, and have the same number of them.
class PacketFile {
 public:
  /// Makes NAME in `directory` and index/NAME.idx; `index_directory` is the folder "index".
  [[nodiscard]] static Result<PacketFile> create(int directory, int index_directory,
                                                 const std::string& name);

  /// The same, where files of these names may be: they go.
  [[nodiscard]] static Result<PacketFile> replace(int directory, int index_directory,
                                                  const std::string& name);

  /// What a file that an earlier collector was writing holds.
  struct Contents;
  /// Opens what an earlier collector may have been writing, to go on behind the last packet that both files have
  /// whole: what is behind it goes. Nothing if there is no packet; then there are no files afterwards.
  ///
  /// Errors: those of open and read, naming the file.
  [[nodiscard]] static Result<std::optional<Contents>> open(int directory, int index_directory,
                                                            const std::string& name);

  /// Writes one packet: `head` (its content size is set here), then `records`. On failure there is
  /// none of it.
  [[nodiscard]] Status write(const ctf::Uuid& trace, ctf::PacketHead head,
                             std::span<const std::byte> records);

  /// Bytes of the packets so far.
  [[nodiscard]] std::uint64_t size() const { return data_.size(); }

 private:
  PacketFile(AppendFile data, AppendFile index)
      : data_(std::move(data)), index_(std::move(index)) {}

  AppendFile data_, index_;
};

struct PacketFile::Contents {
  PacketFile file;
  std::uint64_t packets = 0;
  ctf::IndexEntry last;
};

}  // namespace sillage::collect
