// SPDX-License-Identifier: MIT
#include "apps/peer.hpp"

#include "apps/proc_files.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD  // Linux 6.5
#define SO_PEERPIDFD 77
#endif

namespace sillage::apps {

Result<Fd> open_pidfd(pid_t pid) {
  Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd) {
    int error = errno;
    if (error == ESRCH)
      return fail(Code::kNotFound, "process " + std::to_string(pid) + " has gone");
    return fail_errno("cannot open process " + std::to_string(pid), error);
  }
  return pidfd;
}

bool is_alive(const Fd& pidfd) {
  pollfd state = {pidfd.value(), POLLIN, 0};
  return poll(&state, 1, 0) == 0;
}

Result<Peer> identify_peer(int socket) {
  ucred credentials = {};
  socklen_t length = sizeof credentials;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    return fail_errno("cannot read a peer's credentials");
  }
  if (credentials.pid <= 0) {
    return fail(Code::kPermission,
                "a peer outside of this pid namespace: run sillaged in the outer one");
  }
  Peer peer{credentials.pid, credentials.uid, credentials.gid, Fd()};
  int exact = -1;
  length = sizeof exact;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &exact, &length) == 0) {
    peer.pidfd = Fd(exact);
  } else if (errno == ENOPROTOOPT) {
    auto opened = open_pidfd(peer.pid);
    if (!opened) return tl::unexpected<Error>(std::move(opened).error());
    peer.pidfd = *std::move(opened);
    // The number may have been given to another process between its end and our look; one of another user is found
    // out here, one of the same user could have registered itself.
    auto owner = process_owner(peer.pid);
    if (!owner || (*owner != peer.uid && *owner != 0)) {
      return fail(Code::kNotFound, "process " + std::to_string(peer.pid) + " has gone");
    }
  } else {
    return fail_errno("cannot identify a peer");
  }
  if (!is_alive(peer.pidfd))
    return fail(Code::kNotFound, "process " + std::to_string(peer.pid) + " has gone");
  return peer;
}

}  // namespace sillage::apps
