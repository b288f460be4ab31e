// SPDX-License-Identifier: MIT
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace sillage::daemon {

/// Work that takes too long for the event loop, each piece on a thread of its own; what follows from it is done by the
/// loop again.
///
/// Threads: one, the loop's; `fd()` becomes readable when `process_done()` has work.
class Background {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Background>> create();
  /// Waits for all work. What would follow is not done.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  [[nodiscard]] int fd() const { return bell_.value(); }

  /// Does `work` on a thread and, when it has ended, `then` in process_done(). Only then may anybody else touch what
  /// `work` uses.
  void run(std::function<void()> work, std::function<void()> then);

  /// Does what follows from work that has ended.
  void process_done();

  /// Waits until all work has ended, and does what follows; that may begin new work, which is waited for, too.
  void finish();

  [[nodiscard]] bool is_idle() const { return pieces_.empty(); }

 private:
  struct Piece {
    std::function<void()> then;
    std::atomic<bool> is_done = false;  // set by the thread, before it rings
    std::thread thread;
  };

  explicit Background(Fd bell) : bell_(std::move(bell)) {}

  Fd bell_;  // eventfd
  std::vector<std::unique_ptr<Piece>> pieces_;
};

}  // namespace sillage::daemon
