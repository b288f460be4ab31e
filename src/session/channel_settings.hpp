// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "base/units.hpp"
#include "session/channel.hpp"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace sillage::session {

/// Whose events: of programs, or of the kernel.
enum class Domain : std::uint8_t { kUser, kKernel };

/// "user" or "kernel", for messages.
[[nodiscard]] inline const char* domain_name(Domain domain) {
  return domain == Domain::kUser ? "user" : "kernel";
}

/// Where a session's events go.
enum class OutputMode : std::uint8_t {
  kLocal,     ///< into files, all the time
  kSnapshot,  ///< nowhere until a snapshot is asked for (flight recorder)
  kNone,      ///< nowhere: only counted
};

/// How a channel's memory is shared out.
enum class BufferAllocation : std::uint8_t { kPerCpu, kPerChannel };
/// When a channel's memory is taken from the system.
enum class BufferPreallocation : std::uint8_t { kAtOnce, kOnDemand };

inline constexpr Nanoseconds kForEver{std::numeric_limits<std::uint64_t>::max()};

/// A channel as a user asks for it: what is left out is settle()'s to choose.
struct ChannelRequest {
  std::string name = "channel0";
  std::optional<bool> overwrite{};
  std::optional<ByteCount> subbuf_bytes{};
  std::optional<std::uint64_t> subbuf_count{};
  std::optional<Nanoseconds> switch_timer{}, read_timer{}, monitor_timer{}, watchdog_timer{};
  std::optional<Nanoseconds> blocking_timeout{};  ///< kForEver: until there is room
  std::optional<ByteCount> tracefile_bytes{};
  std::optional<std::uint64_t> tracefile_count{};
  std::optional<BufferOwnership> ownership{};
  std::optional<BufferAllocation> allocation{};
  std::optional<BufferPreallocation> preallocation{};
  std::optional<Nanoseconds> reclaim_age{};
  std::optional<bool> is_mapped{};
};

/// A channel's options, all of them chosen (parity C2 to C13). Times of 0 mean: never.
struct ChannelSettings {
  std::string name;
  bool overwrite = false;
  ByteCount subbuf_bytes{};  ///< power of two, at least a page
  std::uint32_t subbuf_count = 0;
  Nanoseconds switch_timer{}, read_timer{}, monitor_timer{}, watchdog_timer{};
  Nanoseconds blocking_timeout{};
  ByteCount tracefile_bytes{};  ///< 0: no limit
  std::uint32_t tracefile_count = 0;
  BufferOwnership ownership = BufferOwnership::kUser;  ///< of the user domain
  BufferAllocation allocation = BufferAllocation::kPerCpu;
  BufferPreallocation preallocation = BufferPreallocation::kAtOnce;
  /// Memory of sub-buffers that were read and ended so long ago goes back to the system by itself; none: it stays.
  std::optional<Nanoseconds> reclaim_age{};
  bool is_mapped =
      true;  ///< what LTTng calls the output type: mmap, else splice. Shown, of no effect
  bool operator==(const ChannelSettings&) const = default;
};

/// What a request comes to in a session of this mode, with LTTng's defaults; sizes are rounded up as LTTng does.
///
/// Errors: kInvalidArgument  a name that cannot be a file's; an option that this domain has not, or that
///                           contradicts another; a size beyond what a ring can have.
[[nodiscard]] Result<ChannelSettings> settle(const ChannelRequest& request, Domain domain,
                                             OutputMode mode);

}  // namespace sillage::session
