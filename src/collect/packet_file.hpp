// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "collect/append_file.hpp"
#include "ctf/packet.hpp"

#include <cstddef>
#include <cstdint>
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

}  // namespace sillage::collect
