// SPDX-License-Identifier: MIT
#include "control/server.hpp"

#include "control/framing.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace sillage::control {
namespace {

constexpr std::uint64_t kListenerTag = 1, kTimerTag = 2;
constexpr std::uint64_t kSecond = 1'000'000'000, kMillisecond = 1'000'000;

std::uint64_t monotonic_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * kSecond + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::listen(const ControlServerOptions& options,
                                                             ControlEvents& events, Fd passed) {
  std::unique_ptr<ControlServer> server(new ControlServer(options, events));
  server->listener_ = std::move(passed);
  SILLAGE_TRY(server->start());
  return server;
}

ControlServer::~ControlServer() {
  if (is_name_ours_) unlink(options_.path.c_str());
}

Status ControlServer::bind_listener() {
  const std::string& path = options_.path;
  // It gets its name when it listens: a command that came between would take it for what a daemon left behind.
  const std::string early = path + ".new";
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (early.size() >= sizeof name.sun_path) {
    return fail(Code::kInvalidArgument,
                "the socket's path is longer than 103 bytes: choose a shorter directory");
  }
  std::memcpy(name.sun_path, early.c_str(), early.size());
  Fd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_fd) return fail_errno("cannot make the control socket");
  unlink(early.c_str());
  // Nobody else may connect before the mode says who may.
  const mode_t old_mask = umask(0177);
  const int bound = bind(socket_fd.value(), reinterpret_cast<sockaddr*>(&name), sizeof name);
  const int error = errno;
  umask(old_mask);
  if (bound != 0) return fail_errno("cannot make the socket " + path, error);
  if (options_.group && (chown(early.c_str(), static_cast<uid_t>(-1), *options_.group) != 0 ||
                         chmod(early.c_str(), 0660) != 0)) {
    return fail_errno("cannot give the socket " + path + " to its group");
  }
  if (::listen(socket_fd.value(), 128) != 0 || rename(early.c_str(), path.c_str()) != 0)
    return fail_errno("cannot listen on " + path);
  listener_ = std::move(socket_fd);
  is_name_ours_ = true;
  return {};
}

Status ControlServer::start() {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  timer_ = Fd(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!epoll_ || !timer_) return fail_errno("cannot set up the control socket");
  if (!listener_) SILLAGE_TRY(bind_listener());
  for (auto [fd, tag] :
       {std::pair{listener_.value(), kListenerTag}, std::pair{timer_.value(), kTimerTag}}) {
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = tag;
    if (epoll_ctl(epoll_.value(), EPOLL_CTL_ADD, fd, &event) != 0)
      return fail_errno("cannot watch a descriptor");
  }
  return {};
}

void ControlServer::process_events() {
  epoll_event events[32];
  int count = epoll_wait(epoll_.value(), events, 32, 0);
  for (int i = 0; i < count; ++i) {
    const std::uint64_t tag = events[i].data.u64;
    if (tag == kListenerTag) {
      accept_commands();
    } else if (tag == kTimerTag) {
      drop_stalled();
    } else {
      if ((events[i].events & EPOLLOUT) != 0) flush(tag);
      if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_from(tag);
    }
  }
  arm_timer();
}

bool ControlServer::may_use(int socket) const {
  ucred peer = {};
  socklen_t length = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return false;
  // A member of the group got through the socket's mode, which the kernel checks against all groups of its own.
  return peer.uid == 0 || peer.uid == geteuid() || options_.group.has_value();
}

std::optional<ucred> ControlServer::peer(ConnectionId connection) const {
  const auto found = connections_.find(connection);
  ucred peer = {};
  socklen_t length = sizeof peer;
  if (found == connections_.end() ||
      getsockopt(found->second.socket.value(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
    return std::nullopt;
  return peer;
}

Result<std::vector<gid_t>> ControlServer::peer_groups(ConnectionId connection) const {
  const auto found = connections_.find(connection);
  if (found == connections_.end()) return fail(Code::kNotFound, "the command has gone");
  std::vector<gid_t> groups(64);
  for (;;) {
    auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int got =
        getsockopt(found->second.socket.value(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
    const int error = errno;
    const std::size_t count = length / sizeof(gid_t);
    if (got != 0 && (error != ERANGE || count <= groups.size()))
      return fail_errno("cannot read a command's groups", error);
    groups.resize(count);
    if (got == 0) return groups;
  }
}

void ControlServer::accept_commands() {
  for (;;) {
    Fd socket(accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    if (connections_.size() >= options_.max_connections || !may_use(socket.value())) continue;
    const ConnectionId id = next_id_++;
    epoll_event event = {};
    event.events = EPOLLIN;
    event.data.u64 = id;
    if (epoll_ctl(epoll_.value(), EPOLL_CTL_ADD, socket.value(), &event) != 0) continue;
    connections_[id].socket = std::move(socket);
  }
}

void ControlServer::read_from(ConnectionId id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  char buffer[65536];
  ssize_t got = recv(connection.socket.value(), buffer, sizeof buffer, 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return close(id);
  if (got < 0 || connection.is_ending) return;
  connection.received.append(buffer, static_cast<std::size_t>(got));
  take_requests(id);
}

void ControlServer::take_requests(ConnectionId id) {
  auto found = connections_.find(id);
  if (found == connections_.end() || found->second.is_busy) return;
  Connection& connection = found->second;
  auto payload = take_frame(&connection.received, kMaxRequestBytes);
  if (!payload) return close(id);
  if (!payload->has_value()) {
    if (connection.received.empty()) {
      connection.deadline_ns = connection.to_send.empty() ? UINT64_MAX : connection.deadline_ns;
    } else if (connection.deadline_ns == UINT64_MAX) {
      connection.deadline_ns = monotonic_ns() + options_.stalled_ms * kMillisecond;
    }
    watch(connection, id);
    return;
  }
  connection.deadline_ns = UINT64_MAX;
  connection.is_busy = true;
  watch(connection, id);
  v1::Request request;
  if (!request.ParseFromString(**payload)) return close(id);
  if (request.protocol_version() != kProtocolVersion) {
    connection.is_ending = true;
    return reply(
        id, Error{Code::kUnsupported,
                  "this daemon speaks version " + std::to_string(kProtocolVersion) +
                      " of the control protocol, the command version " +
                      std::to_string(request.protocol_version()) +
                      ": stop the daemon (it ends by itself when idle) and use one release of both",
                  ""});
  }
  events_.request(id, request);
}

void ControlServer::reply(ConnectionId id, const v1::Response& response) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  if (response.ByteSizeLong() > kMaxResponseBytes) {
    return reply(id, Error{Code::kLimit, "the answer is larger than 256 MiB: ask for less", ""});
  }
  connection.to_send += frame(response.SerializeAsString());
  connection.is_busy = false;
  connection.deadline_ns = monotonic_ns() + options_.stalled_ms * kMillisecond;
  flush(id);
  arm_timer();
}

void ControlServer::send_before_reply(ConnectionId id, const v1::Response& response) {
  auto found = connections_.find(id);
  if (found == connections_.end() || !found->second.to_send.empty()) return;
  found->second.to_send = frame(response.SerializeAsString());
  found->second.deadline_ns = monotonic_ns() + options_.stalled_ms * kMillisecond;
  flush(id);
  arm_timer();
}

void ControlServer::reply(ConnectionId id, const Error& error) {
  v1::Response response;
  response.mutable_error()->set_code(static_cast<unsigned>(error.code));
  response.mutable_error()->set_message(error.text());
  reply(id, response);
}

void ControlServer::flush(ConnectionId id) {
  auto found = connections_.find(id);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  std::size_t sent = 0;
  while (sent < connection.to_send.size()) {
    ssize_t put = send(connection.socket.value(), connection.to_send.data() + sent,
                       connection.to_send.size() - sent, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno != EAGAIN) return close(id);
    if (put < 0) break;
    sent += static_cast<std::size_t>(put);
  }
  connection.to_send.erase(0, sent);
  if (!connection.to_send.empty()) {
    if (sent != 0) connection.deadline_ns = monotonic_ns() + options_.stalled_ms * kMillisecond;
    return watch(connection, id);
  }
  connection.deadline_ns = UINT64_MAX;
  if (connection.is_ending) return close(id);
  take_requests(id);
}

void ControlServer::watch(const Connection& connection, ConnectionId id) {
  epoll_event event = {};
  // While a request is being answered no more are read: a peer cannot make us keep what it sends.
  if (!connection.is_busy || connection.received.size() < kMaxRequestBytes) event.events = EPOLLIN;
  if (!connection.to_send.empty()) event.events |= EPOLLOUT;
  event.data.u64 = id;
  epoll_ctl(epoll_.value(), EPOLL_CTL_MOD, connection.socket.value(), &event);
}

void ControlServer::close(ConnectionId id) {
  if (connections_.erase(id) != 0) events_.closed(id);
}

void ControlServer::drop_stalled() {
  std::uint64_t expirations;
  (void)!read(timer_.value(), &expirations, sizeof expirations);
  const std::uint64_t now = monotonic_ns();
  std::vector<ConnectionId> stalled;
  for (const auto& [id, connection] : connections_) {
    if (connection.deadline_ns <= now) stalled.push_back(id);
  }
  for (ConnectionId id : stalled) close(id);
}

void ControlServer::arm_timer() {
  std::uint64_t first = UINT64_MAX;
  for (const auto& [id, connection] : connections_) first = std::min(first, connection.deadline_ns);
  itimerspec when = {};
  if (first != UINT64_MAX) {
    when.it_value = {static_cast<time_t>(first / kSecond), static_cast<long>(first % kSecond)};
  }
  timerfd_settime(timer_.value(), TFD_TIMER_ABSTIME, &when, nullptr);
}

}  // namespace sillage::control
