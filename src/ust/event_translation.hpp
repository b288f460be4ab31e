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

/// Translates the description of one event.
///
/// Returns false, and leaves nothing to be freed, if it has a field of a type that records cannot have
/// (structures, which no macro of LTTng-UST makes), or if memory is short.
[[nodiscard]] bool translate_event(const ust_event& event, TranslatedEvent* to);
void free_event(TranslatedEvent* event);

}  // namespace sillage::ust
