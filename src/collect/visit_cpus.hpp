// SPDX-License-Identifier: MIT
#pragma once

#include <sched.h>

#include <cstddef>

namespace sillage::collect {

/// Runs once on every CPU this thread may use. A writer's section that was under way on one of them
/// has then either published or been sent back to its beginning: no position moves any more but for
/// events that begin later.
inline void visit_cpus() {
  cpu_set_t* before = CPU_ALLOC(CPU_SETSIZE * 8);
  cpu_set_t* one = CPU_ALLOC(CPU_SETSIZE * 8);
  const std::size_t bytes = CPU_ALLOC_SIZE(CPU_SETSIZE * 8);
  if (before != nullptr && one != nullptr && ::sched_getaffinity(0, bytes, before) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE * 8; ++cpu) {
      if (!CPU_ISSET_S(cpu, bytes, before)) continue;
      CPU_ZERO_S(bytes, one);
      CPU_SET_S(cpu, bytes, one);
      // Fails for a CPU that has gone offline, where nobody is in the middle of anything.
      (void)::sched_setaffinity(0, bytes, one);
    }
    (void)::sched_setaffinity(0, bytes, before);
  }
  CPU_FREE(before);
  CPU_FREE(one);
}

}  // namespace sillage::collect
