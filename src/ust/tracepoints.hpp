// SPDX-License-Identifier: MIT
// What liblttng-ust-tracepoint.so.1 gives liblttng-ust.so.1: which calls lead to which probes.
#pragma once

#include "ust/exported.hpp"
#include "ust/interface.h"

#include <cstdint>

namespace sillage::ust {

/// A function that tracepoints of one name call.
///
/// Lifetime: its owner's; strings too.
struct Probe {
  const char *provider, *event, *signature;
  void (*function)(void);
  void* data;             ///< its first argument
  const int* is_enabled;  ///< 0: these tracepoints need not call it; nullptr: always
  Probe* next;            ///< the table's
  std::uint32_t hash;     ///< the table's
};

}  // namespace sillage::ust

/// Connects probes with the tracepoints of their name and signature, those that exist and those that come.
UST_EXPORT void sillage_ust_add_probes(sillage::ust::Probe* probes, unsigned count);
/// Takes them back, and waits until no thread is inside any of them.
///
/// Returns 0, or -1 if a thread would not come out: what the probes lead to must stay in memory.
UST_EXPORT int sillage_ust_remove_probes(sillage::ust::Probe* probes, unsigned count);

/// Brings the states of all tracepoints up to date with what `is_enabled` of their probes say.
///
/// Threads: any. False if somebody else was changing them: to be called again.
UST_EXPORT bool sillage_ust_update_states(void);
/// In a fork child, where one thread runs: opens every tracepoint that has a probe.
UST_EXPORT void sillage_ust_open_in_child(void);
