// SPDX-License-Identifier: MIT
// What a provider's generated code runs through: reserve, write the fields one by one, commit.
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

/// Writes an event whose fields are not written by generated code: reserves, writes and commits as that does.
class Recording {
 public:
  /// `bytes`: of all fields together.
  Recording(Event* event, std::size_t bytes, const void* ip);
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  /// Commits, if anything was reserved.
  ~Recording();

  void bytes(const void* from, std::size_t count);

 private:
  ust_probe_context context_;
  ust_recording recording_;
  bool is_reserved_;
};

/// To be called once, before any event.
void start_recorder();
/// In a fork child: memory of threads that are not there can be used again.
void recorder_after_fork();
/// Takes memory for the calling thread now, not at its first event.
void prepare_thread();

}  // namespace sillage::ust
