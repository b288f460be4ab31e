// SPDX-License-Identifier: MIT
#include "hold/systemd_store.hpp"

#include "hold/descriptor_message.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace sillage::hold {
namespace {

constexpr int kFirstPassed = 3;

}  // namespace

Status SystemdStore::notify(const std::string& text, int fd) const {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof name.sun_path)
    return fail(Code::kInvalidArgument, "NOTIFY_SOCKET is no socket's path");
  std::memcpy(name.sun_path, socket_.data(), socket_.size());
  // An abstract socket, in systemd's way of writing it.
  if (name.sun_path[0] == '@') name.sun_path[0] = '\0';
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("cannot make a socket");
  DescriptorMessage message(text.data(), text.size(), fd);
  message.header().msg_name = &name;
  message.header().msg_namelen =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  if (::sendmsg(socket.value(), &message.header(), MSG_NOSIGNAL) < 0)
    return fail_errno("cannot tell the service manager");
  return {};
}

Status SystemdStore::keep(const std::string& name, int fd) {
  // Not polled: it would take a ring that nobody waits for out of the store.
  return notify("FDSTORE=1\nFDPOLL=0\nFDNAME=" + name, fd);
}

void SystemdStore::forget(const std::string& name) {
  (void)notify("FDSTOREREMOVE=1\nFDNAME=" + name, -1);
}

Descriptors SystemdStore::passed_descriptors(const std::string& prefix) {
  Descriptors found;
  const char* const pid = std::getenv("LISTEN_PID");
  const char* const names = std::getenv("LISTEN_FDNAMES");
  const char* const count = std::getenv("LISTEN_FDS");
  if (pid == nullptr || names == nullptr || count == nullptr ||
      std::string(pid) != std::to_string(::getpid()))
    return found;
  const int end = kFirstPassed + std::atoi(count);
  int fd = kFirstPassed;
  for (const char* at = names; fd < end; ++fd) {
    const char* const stop = ::strchrnul(at, ':');
    const std::string name(at, static_cast<std::size_t>(stop - at));
    if (name.starts_with(prefix)) found[name] = Fd(::fcntl(fd, F_DUPFD_CLOEXEC, end));
    if (*stop == '\0') break;
    at = stop + 1;
  }
  return found;
}

}  // namespace sillage::hold
