// SPDX-License-Identifier: MIT
#include "sillaged/memory_warning.hpp"

#include "ring/memory.hpp"

#include <unistd.h>

#include <algorithm>

namespace sillage::daemon {
namespace {

std::string mebibytes(std::uint64_t bytes) {
  return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

}  // namespace

std::string memory_warning(const session::ChannelSettings& settings, session::Domain domain,
                           std::uint64_t cpu_count, std::uint64_t available_bytes) {
  using session::BufferAllocation;
  using session::BufferOwnership;
  using session::BufferPreallocation;
  const bool is_shared = settings.allocation == BufferAllocation::kPerChannel;
  // No overflow: a sub-buffer has 2^31 bytes at most, and a stream 2^16 of them.
  const std::uint64_t needed =
      settings.subbuf_bytes.value * settings.subbuf_count * (is_shared ? 1 : cpu_count);
  // A ring that is taken at once may take half (ring/ring.cpp); programs' own are taken as they fill.
  const bool is_taken_at_once = domain == session::Domain::kKernel ||
                                (settings.preallocation == BufferPreallocation::kAtOnce &&
                                 settings.ownership == BufferOwnership::kUser);
  if (needed <= (is_taken_at_once ? available_bytes / 2 : available_bytes)) return {};
  return "not enough memory for channel " + settings.name + ": its buffers need " +
         mebibytes(needed) + (is_taken_at_once ? " at once" : " when they are full") + ", and " +
         mebibytes(available_bytes) +
         " are available. Nothing may be recorded: choose smaller or "
         "fewer sub-buffers (--subbuf-size, --num-subbuf)";
}

std::string memory_warning(const session::ChannelSettings& settings, session::Domain domain) {
  return memory_warning(settings, domain,
                        static_cast<std::uint64_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L)),
                        ring::available_memory_bytes());
}

}  // namespace sillage::daemon
