// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"
#include "hold/store.hpp"

#include <string>
#include <utility>

namespace sillage::hold {

/// What the process `sillage-holder` is: a table of descriptors that daemons fill and read, one daemon after the other.
///
/// It ends by itself: when no daemon is connected and nothing is held, and when the socket's path has gone, by which
/// alone a daemon could find it. It does nothing with what it holds.
///
/// Threads: one.
class Holder {
 public:
  /// `listener`: non-blocking, bound to `path`.
  Holder(Fd listener, std::string path) : listener_(std::move(listener)), path_(std::move(path)) {}

  /// Serves until there is no reason to.
  [[nodiscard]] Status run();

 private:
  [[nodiscard]] Status watch_path();
  [[nodiscard]] bool is_reachable() const;
  void accept_daemon();
  void serve();
  [[nodiscard]] Status hand_over();

  Fd listener_, daemon_, watch_;
  const std::string path_;
  Descriptors held_;
};

}  // namespace sillage::hold
