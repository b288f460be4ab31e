// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace kv {

/// What clients did and found.
struct LoadResult {
  std::array<std::uint64_t, 4> requests = {};  // by Op
  std::uint64_t hits = 0, misses = 0;          // of gets
  std::uint64_t wrong_answers = 0;
};

/// Runs `clients` threads for `duration` against whoever listens at `listener`, each with its own connection.
///
/// Each sends `rate` requests a second at random moments, one at a time; 0: as fast as it gets answers.
LoadResult run_load(int listener, unsigned clients, double rate,
                    std::chrono::milliseconds duration);

}  // namespace kv
