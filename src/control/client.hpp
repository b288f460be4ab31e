// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "control/control.pb.h"

#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace sillage::control {

/// A command's connection to the daemon.
///
/// Lifetime: recordings made over it end with it.
/// Threads:  one.
class ControlClient {
 public:
  /// Errors: kNotFound    nobody listens there: no socket, or one left by a dead daemon.
  ///         kPermission  the socket is not for this user, or its owner is neither root nor this user.
  [[nodiscard]] static sillage::Result<ControlClient> connect(const std::string& path);

  using OnProgress = std::function<sillage::Status(const v1::Progress&)>;
  using Connector = std::function<sillage::Result<ControlClient>()>;
  /// How to connect again if the daemon ends before it has read the first request: one that was killed a moment ago, or ends
  /// for want of work, may still listen. Nothing has happened then, and the request goes to the next daemon.
  void connect_again_by(Connector connector) { connector_ = std::move(connector); }

  /// Sends a request and waits for its answer. The daemon's refusal comes back as its Error.
  ///
  /// Errors: kTimeout  no answer within `deadline`; the connection is of no use afterwards.
  ///         kSystem   the daemon went away.
  [[nodiscard]] sillage::Result<v1::Response> call(v1::Request request,
                                                   std::chrono::milliseconds deadline) {
    return call(std::move(request), deadline, {});
  }
  /// As above, with what the daemon says before it answers: `deadline` begins anew with that. An error of
  /// `progress` ends the wait; the connection is of no use afterwards.
  [[nodiscard]] sillage::Result<v1::Response> call(v1::Request request,
                                                   std::chrono::milliseconds deadline,
                                                   const OnProgress& progress);

  /// Becomes readable when the daemon goes away (or answers).
  [[nodiscard]] int fd() const { return socket_.value(); }

 private:
  explicit ControlClient(Fd socket) : socket_(std::move(socket)) {}
  [[nodiscard]] sillage::Result<v1::Response> exchange(const std::string& request,
                                                       std::chrono::milliseconds deadline,
                                                       const OnProgress& progress);
  /// An error of the socket's.
  [[nodiscard]] tl::unexpected<Error> daemon_gone(int error);
  [[nodiscard]] sillage::Status wait(short events, std::chrono::steady_clock::time_point until);

  Fd socket_;
  std::string received_;
  bool is_unread_ = false;  // the daemon ended without having read what was sent last
  Connector connector_;     // until a daemon has answered
};

}  // namespace sillage::control
