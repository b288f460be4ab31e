// SPDX-License-Identifier: MIT
#include "socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kv {

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

int must(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

Descriptor listen_at(const std::string& path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    throw std::system_error(ENAMETOOLONG, std::generic_category(), path);
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const std::size_t bytes = path.empty() ? sizeof(sa_family_t) : sizeof address;
  Descriptor listener(
      must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), "socket"));
  must(bind(listener.value(), reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(bytes)),
       path.c_str());
  must(listen(listener.value(), SOMAXCONN), "listen");
  return listener;
}

Descriptor connect_to(int listener) {
  sockaddr_un address = {};
  socklen_t bytes = sizeof address;
  must(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &bytes), "getsockname");
  Descriptor connection(must(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket"));
  must(connect(connection.value(), reinterpret_cast<sockaddr*>(&address), bytes), "connect");
  return connection;
}

}  // namespace kv
