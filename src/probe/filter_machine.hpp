// SPDX-License-Identifier: MIT
// Running filters: whether an event is to be recorded, decided before anything is taken of the ring.
#pragma once

#include <sillage/site.h>
#include "probe/filter_program.hpp"
#include "probe/slot.hpp"

#include <cstdint>

namespace sillage::probe {

/// An event on its way to a filter, as its site handed it over.
///
/// Parts of fixed size that are recorded stand in front, packed as in the record; a payload in one piece is one part.
struct FilterEvent {
  const sillage_event* event;
  const sillage_part* parts;
  std::uint32_t part_count;
  const RingView* ring;  ///< for the clock
  std::uint64_t ip;      ///< return address into the traced program, for the `ip` context
};

/// Whether a filter wants an event. False, too, if the event is not made of what the filter was made for.
///
/// Reads arguments once each, and of texts no more than the site said or a NUL ends: another thread that changes
/// them may change the answer and nothing else.
/// Threads: any; async-signal-safe.
/// Cost:    some nanoseconds for each instruction that is come to; a text to the byte that decides.
[[nodiscard]] bool filter_accepts(const Filter* filter, const FilterEvent& event);

/// The same for a payload of `bytes` bytes in one piece.
[[nodiscard]] bool filter_accepts_bytes(const Filter* filter, const sillage_event* description,
                                        const void* payload, std::uint32_t bytes,
                                        const RingView* ring, std::uint64_t ip);

/// What filters ask of contexts: context.cpp, or a test's own.
///
/// Returns: the value of enum sillage_context, sign-extended if it has a sign; 0 of what is none.
[[nodiscard]] std::uint64_t filter_context(std::uint64_t context, const RingView* ring,
                                           std::uint64_t ip);
/// The text of a context, NUL-terminated; "" of what is none.
[[nodiscard]] const char* filter_context_text(std::uint32_t context, const RingView* ring);

}  // namespace sillage::probe
