// SPDX-License-Identifier: MIT
// What the library knows about the process it is in.
#pragma once

#include "abi/app_protocol.h"
#include "abi/catalog.h"

#include <cstddef>
#include <cstdint>

namespace sillage::probe {

/// Constant after the library's constructor.
struct Startup {
  std::ptrdiff_t rseq_offset = 0;    ///< of struct rseq from the thread pointer
  std::ptrdiff_t cpu_id_offset = 0;  ///< from the thread pointer
  std::ptrdiff_t mm_cid_offset = 0;  ///< from the thread pointer; 0: the kernel has none
  bool has_rseq = false;
  /// SILLAGE_ALLOW_BLOCKING=1, LTTNG_UST_ALLOW_BLOCKING with any value: the program may be made to wait
  bool allow_blocking = false;
  bool dumps_objects =
      true;  ///< the state dump tells of objects; not with LTTNG_UST_WITHOUT_BADDR_STATEDUMP
  bool dumps_name =
      true;  ///< and of the program's name; not with LTTNG_UST_WITHOUT_PROCNAME_STATEDUMP
  std::uint32_t deadline_ms = 0;  ///< how long an event waits for a collector
  /// How long the registration of objects does, or a fork child's: kForever of collector_link.hpp has no end, 0 no beginning
  std::uint32_t register_ms = 0;
  bool is_register_set = false;  ///< by SILLAGE_REGISTER_TIMEOUT_MS
  // Set later, by sillage_replace_cpu() and sillage_replace_clock().
  int (*other_cpu)() = nullptr;
  std::uint64_t (*other_clock)() = nullptr;
  const sillage_app_clock* clock = nullptr;  ///< what is to be said of it
};
extern Startup g_startup;

/// Facts that fork() must make void: they live in memory that the child finds zeroed.
struct ForkWiped {
  std::uint32_t claimed;  ///< the thread of a child that has taken on to set it up; 0 = none yet
  std::uint32_t ready;    ///< the child is set up; 1 in a process that is none
  std::uint32_t pid;
  /// Distinguishes this process from its parent in thread-local caches; not 0
  std::uint32_t serial;
  std::uint32_t registration[SILLAGE_DOMAIN_COUNT];  ///< what the collectors call this process
};

/// The wiped facts.
extern ForkWiped* g_fork_wiped;
inline ForkWiped* fork_wiped() { return g_fork_wiped; }

/// A collector's socket, resolved once at start-up; empty: this program has none in that domain.
[[nodiscard]] const char* socket_path(sillage_domain domain);

/// False in a fork child (raw clone() included) whose identity has not been set up yet.
[[nodiscard]] inline bool is_child_ready() {
  return __atomic_load_n(&fork_wiped()->ready, __ATOMIC_ACQUIRE) != 0;
}

/// Fills the wiped facts of a new child; false if this process cannot be traced (no memory).
bool adopt_process();

/// Allocates zeroed memory that is never freed; `wiped` memory reads as zero in a fork child.
///
/// Returns: aligned to 64 bytes; nullptr when the kernel gives none.
/// Threads: under the library's lock (image.cpp).
[[nodiscard]] void* allocate(std::size_t bytes, bool wiped);

}  // namespace sillage::probe
