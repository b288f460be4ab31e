// SPDX-License-Identifier: MIT
#include "probe/collector_link.hpp"

#include "probe/clock.hpp"
#include "probe/context.hpp"
#include "probe/process.hpp"
#include "probe/raw_syscall.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace sillage::probe {
namespace {

// The longest single sleep: more does not fit the kernel's time of 32-bit programs.
constexpr std::uint64_t kLongestSleepNs = std::uint64_t{3600} * 1'000'000'000;

/// A deadline in CLOCK_MONOTONIC nanoseconds.
int wait_readable(int fd, std::uint64_t deadline) {
  for (;;) {
    std::uint64_t now = monotonic_ns();
    if (now >= deadline) return -ETIMEDOUT;
    std::uint64_t left = deadline - now;
    if (left > kLongestSleepNs) left = kLongestSleepNs;
    timespec timeout = {static_cast<time_t>(left / 1'000'000'000),
                        static_cast<long>(left % 1'000'000'000)};
    pollfd poll = {fd, POLLIN, 0};
    long result = raw_syscall(SYS_ppoll, address(&poll), 1, address(&timeout), 0, 8);
    if (result > 0) return 0;
    if (result < 0 && result != -EINTR) return static_cast<int>(result);
  }
}

/// Connects; a full backlog (many programs starting at once) is waited out until the deadline, with pauses that grow:
/// thousands that try every millisecond leave the collector no time to empty it.
int connect_collector(const char* path, std::uint64_t deadline) {
  long fd = raw_syscall(SYS_socket, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return static_cast<int>(fd);
  sockaddr_un address_of = {};
  address_of.sun_family = AF_UNIX;
  std::memcpy(address_of.sun_path, path, std::strlen(path));
  constexpr std::uint64_t kLongestPauseNs = 256'000'000;
  long result;
  std::uint64_t pause = 1'000'000;
  while ((result = raw_syscall(SYS_connect, fd, address(&address_of), sizeof address_of)) ==
         -EAGAIN) {
    const std::uint64_t now = monotonic_ns();
    if (now >= deadline) break;
    sleep_ns(static_cast<std::int64_t>(std::min(pause, deadline - now)));
    pause = std::min(pause * 2, kLongestPauseNs);
  }
  if (result == 0) {
    // Another user may have put a socket there: nothing of ours is told to it.
    ucred peer = {};
    socklen_t length = sizeof peer;
    result =
        raw_syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, address(&peer), address(&length));
    if (result == 0 && peer.uid != 0 && peer.uid != static_cast<uid_t>(geteuid())) result = -EPERM;
  }
  if (result == 0) return static_cast<int>(fd);
  raw_syscall(SYS_close, fd);
  return static_cast<int>(result);
}

/// A request with what may stand behind it.
struct Request {
  sillage_app_request head;
  sillage_app_clock clock;
};
static_assert(offsetof(Request, clock) == sizeof(sillage_app_request));

int send_request(int socket, const Request& request, int fd) {
  iovec data = {const_cast<Request*>(&request), request.head.header.bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  long sent = raw_syscall(SYS_sendmsg, socket, address(&message), MSG_NOSIGNAL);
  return sent < 0 ? static_cast<int>(sent) : 0;
}

void close_all(Reply* reply) {
  for (std::uint32_t i = 0; i < reply->fd_count; i++) raw_syscall(SYS_close, reply->fds[i]);
  reply->fd_count = 0;
}

/// How many descriptors belong to a reply.
std::uint32_t descriptors_of(const sillage_app_reply& reply) {
  std::uint32_t count = 1;
  for (std::uint32_t i = 0; i < reply.attachment_count; i++)
    count += (reply.attachments[i].flags & SILLAGE_APP_HAS_FILTERS) != 0 ? 3 : 2;
  return count;
}

int receive_reply(int socket, Reply* reply) {
  iovec data = {reply->bytes, sizeof reply->bytes};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof reply->fds)];
  msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  reply->fd_count = 0;
  long got = raw_syscall(SYS_recvmsg, socket, address(&message), MSG_CMSG_CLOEXEC);
  if (got < 0) return static_cast<int>(got);
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    std::size_t bytes = header->cmsg_len - CMSG_LEN(0);
    std::memcpy(reply->fds, CMSG_DATA(header), bytes);
    reply->fd_count = static_cast<std::uint32_t>(bytes / sizeof(int));
  }
  const sillage_app_reply& header = reply->header();
  auto bytes = static_cast<std::size_t>(got);
  bool ok = bytes >= sizeof header && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
            header.header.magic == SILLAGE_APP_MAGIC &&
            header.header.abi_major == SILLAGE_APP_ABI_MAJOR &&
            header.header.type == SILLAGE_APP_ATTACHMENTS && header.header.bytes == bytes &&
            header.attachment_count <= SILLAGE_APP_MAX_ATTACHMENTS &&
            bytes >= sizeof header + header.attachment_count * sizeof(sillage_app_attachment) &&
            reply->fd_count == descriptors_of(header);
  if (ok) return 0;
  close_all(reply);
  return -EPROTO;
}

}  // namespace

int ask_collector(sillage_domain domain, sillage_app_type type, std::uint64_t token, int fd,
                  Reply* reply, std::uint32_t wait_ms) {
  const char* path = socket_path(domain);
  if (path[0] == 0) return -ENOENT;
  const std::uint64_t deadline =
      wait_ms == kForever ? UINT64_MAX : monotonic_ns() + std::uint64_t{wait_ms} * 1'000'000;
  int socket = connect_collector(path, deadline);
  if (socket < 0) return socket;
  Request request = {};
  request.head.header = {SILLAGE_APP_MAGIC, SILLAGE_APP_ABI_MAJOR, SILLAGE_APP_ABI_MINOR,
                         static_cast<std::uint32_t>(type), sizeof request.head};
  request.head.image_token = token;
  request.head.pid = fork_wiped()->pid;
  request.head.word_bits = sizeof(void*) * 8;
  raw_syscall(SYS_prctl, PR_GET_NAME, address(request.head.procname));
  if (type == SILLAGE_APP_REGISTER && g_startup.other_clock != nullptr) {
    request.head.header.bytes = sizeof request;
    request.clock = *g_startup.clock;
    request.clock.monotonic_ns = monotonic_ns();
    request.clock.value = g_startup.other_clock();
  }
  int result = send_request(socket, request, fd);
  if (result == 0 && reply != nullptr) {
    result = wait_readable(socket, deadline);
    if (result == 0) result = receive_reply(socket, reply);
  }
  raw_syscall(SYS_close, socket);
  return result;
}

}  // namespace sillage::probe
