// SPDX-License-Identifier: MIT
// The tracepoints of one loaded object: its shared gates and catalogue, and what collectors attached to it.
#pragma once

#include <sillage/site.h>
#include "abi/app_protocol.h"
#include "abi/catalog.h"
#include "probe/slot.hpp"

#include <cstddef>
#include <cstdint>

namespace sillage::probe {

/// One registered image. Allocated once per sillage_image, never freed: a site may be used late.
struct ImageState {
  sillage_image* image;
  ImageState* next;
  sillage_image_header* shared;  ///< mapping of the memfd; nullptr if none could be made
  std::size_t shared_bytes;
  int fd;  ///< kept only while some collector has not been reached; -1 otherwise
  std::uint64_t device, inode;  ///< of the memfd, to tell whether `fd` is still ours
  std::uint32_t is_program;     ///< the main program's: its destructor runs only when all is over
  std::uint32_t site_count, site_room;
  sillage_site** sites;  ///< by index
  struct Link {
    std::uint64_t token;  ///< what the collector calls this image; 0 = not registered there
    std::uint64_t retry_after_ns;  ///< a collector that does not answer is not asked again before
    std::uint32_t generation;      ///< last one applied
    std::uint32_t ring_count;
    std::uint32_t reserved;
    RingView* rings[SILLAGE_APP_MAX_ATTACHMENTS];
  } links[SILLAGE_DOMAIN_COUNT];
};

/// The shared gates of an image, by site index.
inline std::uint64_t* gates_of(const ImageState* state) {
  return reinterpret_cast<std::uint64_t*>(reinterpret_cast<char*>(state->shared) +
                                          state->shared->gates_offset);
}

/// Brings a site's slots up to date with its gate, by asking the collectors whose half changed.
///
/// Returns the site's first slot, or nullptr if nothing is attached (yet). The calling thread waits at
/// most SILLAGE_APP_DEADLINE_MS per collector; others do not wait but go on with what is attached.
/// Threads: any; async-signal-safe; errno is left alone.
[[gnu::noinline, gnu::cold]] sillage_slot* refresh_slots(sillage_site* site, std::uint64_t gate);

}  // namespace sillage::probe
