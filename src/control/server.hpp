// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "control/control.pb.h"

#include <sys/socket.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sillage::control {

/// One command's connection, while it lasts; never reused.
using ConnectionId = std::uint64_t;

/// What the daemon does with requests. Called from ControlServer::process_events.
class ControlEvents {
 public:
  virtual ~ControlEvents() = default;
  /// A request came. Answer with ControlServer::reply, now or later.
  virtual void request(ConnectionId connection, const v1::Request& request) = 0;
  /// The command has gone.
  virtual void closed(ConnectionId connection) = 0;
};

struct ControlServerOptions {
  std::string path;
  std::optional<gid_t> group;  ///< may use it too, besides the daemon's own user and root
  std::uint32_t max_connections = 256;
  std::uint32_t stalled_ms =
      5000;  ///< how long half a message, or an answer nobody reads, may take
};

/// The daemon's control socket: many commands at once, none of which is waited for.
///
/// Threads: one; `fd()` becomes readable when `process_events()` has work.
class ControlServer {
 public:
  /// Binds and listens; a socket left by a dead daemon is replaced, so hold the daemon's lock.
  ///
  /// `passed`, if it is one, is a socket that somebody else bound and listens on for us: it is used as it is, and its
  /// name stays when we end.
  [[nodiscard]] static Result<std::unique_ptr<ControlServer>> listen(
      const ControlServerOptions& options, ControlEvents& events, Fd passed = {});
  ~ControlServer();
  ControlServer(const ControlServer&) = delete;
  ControlServer& operator=(const ControlServer&) = delete;

  [[nodiscard]] int fd() const { return epoll_.value(); }
  void process_events();

  /// Answers the oldest open request of a connection; nothing happens if it has gone.
  void reply(ConnectionId connection, const v1::Response& response);
  /// Sends something before the answer; not while the peer has not read what came before it.
  void send_before_reply(ConnectionId connection, const v1::Response& response);
  /// Answers with an error.
  void reply(ConnectionId connection, const Error& error);

  /// Who is at the other end, as the kernel says; nothing if it has gone.
  [[nodiscard]] std::optional<ucred> peer(ConnectionId connection) const;
  /// Its supplementary groups, when it connected.
  ///
  /// Errors: kNotFound  it has gone; those of getsockopt.
  [[nodiscard]] Result<std::vector<gid_t>> peer_groups(ConnectionId connection) const;

  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  struct Connection {
    Fd socket;
    std::string received, to_send;
    std::uint64_t deadline_ns = UINT64_MAX;  // of the half message or the unread answer
    bool is_busy = false;                    // a request is being answered: the next one waits
    bool is_ending = false;                  // closes once all is sent
  };

  ControlServer(const ControlServerOptions& options, ControlEvents& events)
      : options_(options), events_(events) {}
  [[nodiscard]] Status bind_listener();
  [[nodiscard]] Status start();
  void accept_commands();
  [[nodiscard]] bool may_use(int socket) const;
  void read_from(ConnectionId id);
  void take_requests(ConnectionId id);
  void flush(ConnectionId id);
  void watch(const Connection& connection, ConnectionId id);
  void close(ConnectionId id);
  void drop_stalled();
  void arm_timer();

  ControlServerOptions options_;
  ControlEvents& events_;
  Fd epoll_, listener_, timer_;
  bool is_name_ours_ = false;  // the socket's, in the file system
  std::map<ConnectionId, Connection> connections_;
  ConnectionId next_id_ = 16;  // below: the listener and the timer
};

}  // namespace sillage::control
