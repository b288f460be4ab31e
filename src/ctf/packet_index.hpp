// SPDX-License-Identifier: MIT
// Index files of data streams: where packets are and when, without touching each of them.
#pragma once

#include "ctf/stream_file.hpp"

#include <memory>
#include <optional>

namespace sillage::ctf {

/// Which index files are believed.
struct IndexTrust {
  /// Files of fewer packets are listed by their heads, which costs nothing then.
  static constexpr std::uint64_t kLeastPackets = 256;
  /// Heads that must say what the index says, evenly spread over the file, its first and last among
  /// them. What is wrong elsewhere is found when the packet is read.
  static constexpr std::uint64_t kHeads = 32;
};

/// The packets of `file` as its index file says, index/NAME.idx beside it: LTTng's format 1.1.
///
/// Returns: nothing if there is no index file, if it is not of the whole data stream file without a
///          gap, or if a head that was compared says something else: read the heads then.
/// Cost:    reads 72 bytes a packet, and IndexTrust::kHeads heads.
/// Source:  LTTng 2.13's src/common/index/ctf-index.h; docs/formats/trace.md.
[[nodiscard]] std::optional<PacketList> read_packet_index(const std::shared_ptr<const Plan>& plan,
                                                          const StreamFile& file);

}  // namespace sillage::ctf
