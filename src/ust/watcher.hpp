// SPDX-License-Identifier: MIT
// The watcher: a thread that carries what collectors say in gates over to the words that tracepoints look at.
#pragma once

#include <cstdint>

namespace sillage::ust {

/// 0 in a fork child that has none yet, clone(2) included: the memory is wiped there.
extern std::uint32_t* g_watched __attribute__((visibility("hidden")));

/// Whether this process has its watcher, or could not get one.
[[nodiscard]] inline bool is_watched() { return __atomic_load_n(g_watched, __ATOMIC_RELAXED) != 0; }

/// Starts it, if it does not run: to be called with the first provider.
void start_watcher();

/// To be called at an event of a process that is not watched, after it was recorded: libsillage.so has then registered the
/// process as one of its own.
///
/// Threads: any; errno is left alone. Makes a thread, so a signal handler must not have interrupted malloc() or the like. Done by one, and again by another if it could not be done now.
[[gnu::noinline, gnu::cold]] void watch_in_child();

}  // namespace sillage::ust
