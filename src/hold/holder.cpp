// SPDX-License-Identifier: MIT
#include "hold/holder.hpp"

#include "hold/protocol.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>

namespace sillage::hold {
namespace {

// Who started us is connected already; a daemon that died in between never comes.
constexpr int kFirstDaemonMs = 10'000;

}  // namespace

Status Holder::run() {
  SILLAGE_TRY(watch_path());
  bool was_served = false;
  for (;;) {
    pollfd sources[] = {
        {listener_.value(), POLLIN, 0}, {daemon_.value(), POLLIN, 0}, {watch_.value(), POLLIN, 0}};
    const int ready = ::poll(sources, 3, was_served ? -1 : kFirstDaemonMs);
    if (ready < 0 && errno != EINTR) return fail_errno("cannot wait");
    if (ready == 0) return {};
    // The old connection to its end first: a daemon that was killed has left messages there.
    if (sources[1].revents != 0) {
      serve();
    } else if (sources[0].revents != 0) {
      accept_daemon();
    }
    if (sources[2].revents != 0) {
      char events[4096];
      (void)!::read(watch_.value(), events, sizeof events);
    }
    was_served = was_served || daemon_ || sources[1].revents != 0;
    if (was_served && !daemon_ && sources[0].revents == 0 && (held_.empty() || !is_reachable()))
      return {};
  }
}

Status Holder::watch_path() {
  watch_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string directory = path_.substr(0, path_.rfind('/'));
  if (!watch_ || ::inotify_add_watch(watch_.value(), directory.c_str(),
                                     IN_DELETE | IN_DELETE_SELF | IN_MOVED_FROM | IN_MOVE_SELF) < 0)
    return fail_errno("cannot watch " + directory);
  return {};
}

bool Holder::is_reachable() const {
  struct stat status {};
  return ::stat(path_.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

void Holder::accept_daemon() {
  Fd socket(::accept4(listener_.value(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) return;
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (::getsockopt(socket.value(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0 ||
      (credentials.uid != ::geteuid() && credentials.uid != 0))
    return;
  // Daemons hold a lock: there is one at a time, and a second connection is its next attempt.
  daemon_ = std::move(socket);
}

void Holder::serve() {
  auto message = receive_message(daemon_.value());
  if (!message || !*message) {
    daemon_.reset();
    return;
  }
  switch ((*message)->type) {
    case MessageType::kKeep: held_[(*message)->name] = std::move((*message)->descriptor); break;
    case MessageType::kForget: held_.erase((*message)->name); break;
    case MessageType::kList:
      if (!hand_over()) daemon_.reset();
      break;
    case MessageType::kEnd: break;
  }
}

Status Holder::hand_over() {
  for (const auto& [name, fd] : held_)
    SILLAGE_TRY(send_message(daemon_.value(), MessageType::kKeep, name, fd.value()));
  return send_message(daemon_.value(), MessageType::kEnd, "", -1);
}

}  // namespace sillage::hold
