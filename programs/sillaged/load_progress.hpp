// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"

#include <atomic>
#include <cstdint>
#include <stop_token>
#include <utility>

namespace sillage::daemon {

/// How far the loading of a recording's programs has come, and whether it is still wanted.
///
/// Threads: expect() and next() from the one that loads; done() and total() from any.
class LoadProgress {
 public:
  explicit LoadProgress(std::stop_token stop) : stop_(std::move(stop)) {}

  /// So many programs more will be loaded.
  void expect(std::size_t programs) { total_ += programs; }

  /// The next program is about to be loaded.
  ///
  /// Errors: kNotReady  nobody wants them any more.
  [[nodiscard]] Status next() {
    if (stop_.stop_requested())
      return fail(Code::kNotReady, "the command that wanted the recording has gone");
    ++done_;
    return {};
  }

  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] std::uint64_t total() const { return total_; }

 private:
  const std::stop_token stop_;
  std::atomic<std::uint64_t> done_ = 0, total_ = 0;
};

}  // namespace sillage::daemon
