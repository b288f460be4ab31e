// SPDX-License-Identifier: MIT
#include "control/client.hpp"

#include "control/framing.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

namespace sillage::control {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLongestPause{100};

}  // namespace

Result<ControlClient> ControlClient::connect(const std::string& path) {
  sockaddr_un name = {};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) {
    return fail(Code::kInvalidArgument, "the socket's path is too long: " + path);
  }
  std::memcpy(name.sun_path, path.c_str(), path.size());
  Fd socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket_fd) return fail_errno("cannot make a socket");
  if (::connect(socket_fd.value(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0) {
    int error = errno;
    if (error == ECONNREFUSED) error = ENOENT;
    if (error == EACCES) {
      return fail(Code::kPermission, "you may not use the daemon at " + path +
                                         ": become root or a member of the group tracing");
    }
    return fail_errno("cannot reach sillaged at " + path, error);
  }
  ucred peer = {};
  socklen_t length = sizeof peer;
  if (getsockopt(socket_fd.value(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 ||
      (peer.uid != 0 && peer.uid != geteuid())) {
    return fail(Code::kPermission, "the socket " + path +
                                       " is another user's: remove it, or choose another "
                                       "SILLAGE_RUNTIME_DIR");
  }
  return ControlClient(std::move(socket_fd));
}

Status ControlClient::wait(short events, Clock::time_point until) {
  for (;;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd state = {socket_.value(), events, 0};
    int ready = poll(&state, 1, static_cast<int>(std::clamp<long long>(left, 0, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return fail_errno("cannot wait for sillaged");
    if (Clock::now() >= until) {
      return fail(Code::kTimeout,
                  "sillaged does not answer; see whether it runs and is not stopped");
    }
  }
}

tl::unexpected<Error> ControlClient::daemon_gone(int error) {
  // Of an end that has read everything, a stream's other end reads that it is over.
  is_unread_ = error == ECONNRESET || error == EPIPE;
  return fail(Code::kSystem, "sillaged went away; run the command again, it starts a new one");
}

Result<v1::Response> ControlClient::call(v1::Request request, std::chrono::milliseconds deadline,
                                         const OnProgress& progress) {
  request.set_protocol_version(kProtocolVersion);
  const std::string bytes = frame(request.SerializeAsString());
  auto response = exchange(bytes, deadline, progress);
  const Connector connector = std::exchange(connector_, nullptr);
  for (auto pause = std::chrono::milliseconds(1);
       connector && !response && is_unread_ && pause < kLongestPause; pause *= 2) {
    auto next = connector();
    if (!next) return tl::unexpected<Error>(std::move(next).error());
    *this = *std::move(next);
    connector_ = nullptr;
    response = exchange(bytes, deadline, progress);
    if (!response && is_unread_) std::this_thread::sleep_for(pause);
  }
  return response;
}

Result<v1::Response> ControlClient::exchange(const std::string& bytes,
                                             std::chrono::milliseconds deadline,
                                             const OnProgress& progress) {
  auto until = Clock::now() + deadline;
  for (std::size_t sent = 0; sent < bytes.size();) {
    ssize_t put = send(socket_.value(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (put > 0) {
      sent += static_cast<std::size_t>(put);
    } else if (errno == EAGAIN) {
      SILLAGE_TRY(wait(POLLOUT, until));
    } else if (errno != EINTR) {
      return daemon_gone(errno);
    }
  }
  for (;;) {
    auto payload = take_frame(&received_, kMaxResponseBytes);
    if (!payload) return tl::unexpected<Error>(std::move(payload).error());
    if (payload->has_value()) {
      v1::Response response;
      if (!response.ParseFromString(**payload)) {
        return fail(Code::kCorrupt,
                    "sillaged's answer cannot be read: it is of another release than this command");
      }
      if (response.has_progress()) {
        until = Clock::now() + deadline;
        if (progress) SILLAGE_TRY(progress(response.progress()));
        continue;
      }
      if (response.has_error()) {
        constexpr auto kLast = static_cast<unsigned>(Code::kSystem);
        return fail(static_cast<Code>(std::min(response.error().code(), kLast)),
                    response.error().message());
      }
      return response;
    }
    char buffer[65536];
    ssize_t got = recv(socket_.value(), buffer, sizeof buffer, 0);
    if (got > 0) {
      received_.append(buffer, static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return daemon_gone(got == 0 ? 0 : errno);
    } else if (errno == EAGAIN) {
      SILLAGE_TRY(wait(POLLIN, until));
    }
  }
}

}  // namespace sillage::control
