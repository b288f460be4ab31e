// SPDX-License-Identifier: MIT
// The providers of the process: their events as sites of libsillage.so, one image each.
#pragma once

#include "ust/interface.h"
#include "ust/recorder.hpp"

#include <linux/futex.h>

#include <cstdint>

namespace sillage::ust {

struct Provider;

/// Makes the events of `count` descriptions known to collectors as one image, and connects them with their tracepoints.
///
/// Returns something to give to remove_provider(); never nullptr: generated code ends the program then. Events
/// that cannot be recorded are left out.
[[nodiscard]] Provider* add_provider(const ust_provider* const* descriptions, unsigned count);
/// Waits until no thread is inside one of its events. Its object can be unloaded then.
void remove_provider(Provider* provider);
/// The event number `index` of the descriptions, counted over all of them; nullptr if it could not be made.
[[nodiscard]] Event* event_at(Provider* provider, unsigned index);

/// Words that change when gates do, with the values they had before the gates were looked at.
struct WatchList {
  futex_waitv* words;
  std::uint32_t count, room;
  bool are_all;  ///< false: some did not fit
};

/// Brings all events and tracepoints up to date with their gates, and fills the list with what to wait for.
///
/// Threads: the watcher.
void apply_gates(WatchList* list);
/// The same, but false if somebody is changing the providers.
[[nodiscard]] bool try_apply_gates(WatchList* list);

}  // namespace sillage::ust
