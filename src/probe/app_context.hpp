// SPDX-License-Identifier: MIT
// Contexts that the application brings: their values, as they are taken for one event.
#pragma once

#include "probe/slot.hpp"

#include <cstddef>
#include <cstdint>

namespace sillage::probe {

/// Values of a ring's application contexts.
struct AppValues {
  const char* list;     ///< per context a u32 with its bytes, and as many
  std::uint64_t bytes;  ///< of all values, in the record
  char* front;          ///< where header and contexts of such a record can be put together
};

/// Where values are kept until the event is recorded: on the stack, or in pages if they are long.
struct ValueRoom {
  AppValues values;
  char* pages = nullptr;
  std::size_t page_bytes = 0;
  alignas(16) char bytes[752];
};

/// Asks the application, which may record events meanwhile.
///
/// Returns: values in `room`, to be given back; nullptr if they would not fit a sub-buffer or there is no memory for
///          them: then nothing has to be given back.
/// Threads: any; as async-signal-safe as the application's code.
[[nodiscard]] const AppValues* take_app_values(const RingView* ring, std::uint64_t ip,
                                               ValueRoom* room);
void give_back(ValueRoom* room);

struct Filter;
/// The same for the APP_VALUEs of a filter: for each, in order, a u32 with its bytes, and as many; nullptr if they are too long.
[[nodiscard]] const char* take_filter_values(const Filter* filter, std::uint64_t ip,
                                             ValueRoom* room);

/// Writes the next value of AppValues::list and moves `list` behind it; returns where it ends.
char* write_app_value(char* to, const char** list);

}  // namespace sillage::probe
