// SPDX-License-Identifier: MIT
#include "hold/holder_store.hpp"

#include "hold/protocol.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

namespace sillage::hold {
namespace {

constexpr std::chrono::milliseconds kNoPatience{1};
constexpr int kListener = 3;

void set_timeout(const Fd& socket, int option, std::chrono::milliseconds patience) {
  const timeval time{patience.count() / 1000, patience.count() % 1000 * 1000};
  ::setsockopt(socket.value(), SOL_SOCKET, option, &time, sizeof time);
}

Result<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path)
    return fail(Code::kInvalidArgument, "the path of a socket is longer than 107 bytes: " + path);
  std::memcpy(name.sun_path, path.c_str(), path.size());
  return name;
}

Result<Fd> connect_to(const std::string& path, std::chrono::milliseconds patience) {
  auto name = address_of(path);
  if (!name) return tl::unexpected(std::move(name).error());
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("cannot make a socket");
  set_timeout(socket, SO_SNDTIMEO, patience);
  set_timeout(socket, SO_RCVTIMEO, patience);
  if (::connect(socket.value(), reinterpret_cast<const sockaddr*>(&*name), sizeof *name) != 0)
    return fail_errno("cannot reach " + path);
  return socket;
}

Result<Fd> listen_at(const std::string& path) {
  auto name = address_of(path);
  if (!name) return tl::unexpected(std::move(name).error());
  Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("cannot make a socket");
  ::unlink(path.c_str());
  if (::bind(socket.value(), reinterpret_cast<const sockaddr*>(&*name), sizeof *name) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(socket.value(), 8) != 0)
    return fail_errno("cannot make the socket " + path);
  return socket;
}

/// The holder, in a session of its own, with nothing of ours but the listener.
Status spawn(const std::string& program, const Fd& listener, const std::string& path) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawnattr_init(&attributes);
  for (int fd = 0; fd < kListener; ++fd)
    ::posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
  ::posix_spawn_file_actions_adddup2(&files, listener.value(), kListener);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char* arguments[] = {const_cast<char*>(program.c_str()), const_cast<char*>(path.c_str()),
                       nullptr};
  // Nothing of the daemon's surroundings matters there.
  char* environment[] = {nullptr};
  pid_t child = 0;
  const int error =
      ::posix_spawn(&child, program.c_str(), &files, &attributes, arguments, environment);
  ::posix_spawn_file_actions_destroy(&files);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno("cannot start " + program, error);
  // It goes on in a child of its own: nobody here has to wait for it.
  ::waitpid(child, nullptr, 0);
  return {};
}

}  // namespace

Status HolderStore::start() {
  auto listener = listen_at(path_);
  if (!listener) return tl::unexpected(std::move(listener).error());
  auto socket = connect_to(path_, patience_);
  if (!socket) return tl::unexpected(std::move(socket).error());
  SILLAGE_TRY(spawn(program_, *listener, path_));
  socket_ = *std::move(socket);
  is_slow_ = false;
  return {};
}

Status HolderStore::keep(const std::string& name, int fd) {
  const std::lock_guard lock(mutex_);
  if (socket_) {
    Status sent = send(MessageType::kKeep, name, fd);
    if (sent || sent.error().code != Code::kNotFound) return sent;
    socket_.reset();
  }
  SILLAGE_TRY(start());
  return send(MessageType::kKeep, name, fd);
}

void HolderStore::forget(const std::string& name) {
  const std::lock_guard lock(mutex_);
  if (socket_) (void)send(MessageType::kForget, name, -1);
}

Status HolderStore::send(MessageType type, const std::string& name, int fd) {
  Status sent = send_message(socket_.value(), type, name, fd);
  const bool is_slow = !sent && sent.error().code == Code::kTimeout;
  if (is_slow != is_slow_) {
    is_slow_ = is_slow;
    set_timeout(socket_, SO_SNDTIMEO, is_slow ? kNoPatience : patience_);
  }
  return sent;
}

Descriptors HolderStore::take() {
  const std::lock_guard lock(mutex_);
  Descriptors found;
  auto socket = connect_to(path_, patience_);
  if (!socket || !send_message(socket->value(), MessageType::kList, "", -1)) return {};
  for (;;) {
    auto message = receive_message(socket->value());
    // One that is about to end holds nothing.
    if (!message || !*message) return {};
    if ((*message)->type != MessageType::kKeep) break;
    found[(*message)->name] = std::move((*message)->descriptor);
  }
  socket_ = *std::move(socket);
  return found;
}

}  // namespace sillage::hold
