// SPDX-License-Identifier: MIT
#include "sillaged/passed_socket.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

namespace sillage::daemon {
namespace {

constexpr int kFirst = 3;
constexpr int kMost = 65536;  // rings of an earlier daemon among them

int number_in(const char* variable) {
  const char* const text = std::getenv(variable);
  int value = 0;
  if (text == nullptr) return 0;
  const std::string_view digits(text);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size() ? value : 0;
}

bool listens_at(int fd, const std::string& path) {
  sockaddr_un name = {};
  socklen_t length = sizeof name;
  int type = 0, is_listening = 0;
  socklen_t type_length = sizeof type, listening_length = sizeof is_listening;
  return getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length) == 0 &&
         name.sun_family == AF_UNIX &&
         getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_length) == 0 && type == SOCK_STREAM &&
         getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &listening_length) == 0 &&
         is_listening != 0 &&
         std::string(name.sun_path, strnlen(name.sun_path, sizeof name.sun_path)) == path;
}

}  // namespace

Fd passed_socket(const std::string& path) {
  const bool are_for_us = number_in("LISTEN_PID") == getpid();
  const int count = are_for_us ? std::clamp(number_in("LISTEN_FDS"), 0, kMost) : 0;
  for (const char* variable : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) unsetenv(variable);
  Fd found;
  for (int fd = kFirst; fd < kFirst + count; ++fd) {
    Fd passed(fd);
    if (found || !listens_at(fd, path)) continue;
    // Whoever passed it may have left it blocking, and open for programs that we start.
    if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 &&
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0)
      found = std::move(passed);
  }
  return found;
}

}  // namespace sillage::daemon
