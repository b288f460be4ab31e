// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <sys/types.h>

namespace sillage::apps {

/// Who is at the other end of a unix socket, as the kernel says it: nothing of it comes from the peer.
struct Peer {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  Fd pidfd;  ///< of that very process, not of a later one with its number
};

/// Identifies the process that connected.
///
/// Errors: kNotFound    it has gone.
///         kPermission  it is in a pid namespace that is not below ours, so it has no number here.
///         kLimit       no descriptor left.
[[nodiscard]] Result<Peer> identify_peer(int socket);

/// A descriptor of a process that becomes readable when it ends.
[[nodiscard]] Result<Fd> open_pidfd(pid_t pid);

/// Whether the process has not ended.
[[nodiscard]] bool is_alive(const Fd& pidfd);

}  // namespace sillage::apps
