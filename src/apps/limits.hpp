// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace sillage::apps {

/// What programs may ask of the daemon: everything a peer can make large has its bound here.
struct Limits {
  /// Of one image. The largest seen: 2,600 LTTng-style tracepoints make 0.6 MiB.
  std::uint64_t image_bytes = 16u << 20;
  std::uint32_t image_sites = 65536;
  std::uint32_t event_fields = 256;
  std::uint32_t field_labels = 4096;
  std::uint32_t field_count =
      1u << 20;  ///< elements of a fixed array, bytes of a fixed text or blob

  /// Registered at once, all users together and each.
  std::uint32_t images = 65536;
  std::uint32_t images_per_uid = 32768;
  std::uint32_t images_per_process = 1024;
  std::uint64_t bytes_per_uid = 1u << 30;  ///< of catalogues kept, equal ones counted again

  /// Connections that have said nothing yet, of one user. At the limit the oldest of that user gives way: who has
  /// something to say has said it by then.
  std::uint32_t silent_peers_per_uid = 512;
  std::uint32_t silent_peer_ms = 1000;
};

}  // namespace sillage::apps
