// SPDX-License-Identifier: MIT
#include "ring/run_source.hpp"

#include <algorithm>

namespace sillage::ring {

std::uint64_t StreamLoss::update(const std::uint64_t (&shared)[SILLAGE_LOST_CAUSES]) {
  std::uint64_t sum = 0;
  for (std::size_t cause = 0; cause < by_writers.size(); ++cause) {
    by_writers[cause] =
        std::max(by_writers[cause], __atomic_load_n(&shared[cause], __ATOMIC_RELAXED));
    sum += by_writers[cause];
  }
  return sum;
}

}  // namespace sillage::ring
