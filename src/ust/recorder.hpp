// SPDX-License-Identifier: MIT
// What a provider's generated code runs through: a filter that records the event; or reserve, write the fields one by one, commit.
#pragma once

#include <sillage/site.h>
#include "ust/event_translation.hpp"
#include "ust/interface.h"

#include <cstddef>
#include <cstdint>

namespace sillage::ust {

/// One event of a provider, as its generated code finds it.
struct Event {
  ust_event_common common;
  ust_event_recorder recorder;
  sillage_site site;
  TranslatedEvent translated;
};

/// Makes `event` one that generated code can record; its site must have been filled in.
void set_up_event(Event* event);

/// Whether a collector wants the event.
[[nodiscard]] inline bool is_wanted(const Event& event) {
  return __atomic_load_n(event.site.gate, __ATOMIC_RELAXED) != 0;
}

/// Records an event whose fields are not written by generated code: its parts, in order.
void record(Event* event, const sillage_part* parts, std::uint32_t count, const void* ip);

/// To be called once, before any event.
void start_recorder();
/// In a fork child: memory of threads that are not there can be used again.
void recorder_after_fork();
/// Takes memory for the calling thread now, not at its first event.
void prepare_thread();

}  // namespace sillage::ust
