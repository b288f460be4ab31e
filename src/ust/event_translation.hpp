// SPDX-License-Identifier: MIT
#pragma once

#include <sillage/site.h>
#include "ust/interface.h"

namespace sillage::ust {

/// A provider's event in this project's terms.
///
/// Lifetime: strings are the provider's; fields and labels belong to it and go with free_event().
struct TranslatedEvent {
  sillage_event event;
  sillage_field* fields;
  sillage_label* labels;
};

/// Why an event cannot be recorded.
struct Refusal {
  const char* field;  ///< its name; nullptr: memory is short
  const char* reason;
};

/// Translates the description of one event.
///
/// Returns false, and leaves nothing to be freed, if it has a field of a type that records cannot have, or if memory is
/// short. No macro of LTTng-UST 2.13 makes such a field: structures (its own tracer leaves such events out, too), dynamic types
/// (which that has for contexts), what later headers have (with it the whole provider is refused there).
[[nodiscard]] bool translate_event(const ust_event& event, TranslatedEvent* to, Refusal* refusal);
void free_event(TranslatedEvent* event);

}  // namespace sillage::ust
