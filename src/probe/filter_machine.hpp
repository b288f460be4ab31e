// SPDX-License-Identifier: MIT
// Running filters: whether an event is to be recorded, decided before anything is taken of the ring.
#pragma once

#include <sillage/site.h>
#include "probe/filter_program.hpp"
#include "probe/slot.hpp"

#include <cstdint>
#include <cstring>

namespace sillage::probe {

/// An event on its way to a filter, as its site handed it over.
///
/// Parts of fixed size that are recorded stand in front, packed as in the record; a payload in one piece is one part.
struct FilterEvent {
  const sillage_event* event;
  const sillage_part* parts;
  std::uint32_t part_count;
  const RingView* ring;     ///< for the clock
  std::uint64_t ip;         ///< return address into the traced program, for the `ip` context
  bool is_payload = false;  ///< the one part is the record's payload: texts and sequences are in it
  /// With `is_payload`: fields that are not recorded, in order; all of them or none.
  const sillage_part* unwritten = nullptr;
  std::uint32_t unwritten_count = 0;
};

/// A value as an operation loads it.
[[gnu::always_inline]] inline std::uint64_t load_value(FilterCode code, const char* from) {
  std::uint64_t eight = 0;
  std::uint32_t four = 0;
  std::uint16_t two = 0;
  switch (code) {
    case FilterCode::kLoad1: return static_cast<unsigned char>(*from);
    case FilterCode::kLoadSigned1:
      return static_cast<std::uint64_t>(std::int64_t{static_cast<signed char>(*from)});
    case FilterCode::kLoad2: std::memcpy(&two, from, 2); return two;
    case FilterCode::kLoadSigned2:
      std::memcpy(&two, from, 2);
      return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int16_t>(two)});
    case FilterCode::kLoad4: std::memcpy(&four, from, 4); return four;
    case FilterCode::kLoadSigned4:
      std::memcpy(&four, from, 4);
      return static_cast<std::uint64_t>(std::int64_t{static_cast<std::int32_t>(four)});
    default: std::memcpy(&eight, from, 8); return eight;
  }
}

/// Does the tests of integers that a filter begins with; `prefix` has its prefix_bytes.
///
/// Returns: the answer, or what to go on with: a test of a text, or an operation.
[[gnu::always_inline]] inline FilterTarget run_tests(const Filter* filter, const char* prefix) {
  FilterTarget target = filter->start;
  while (target.kind == FilterTarget::kTest) {
    const FilterTest& test = filter->tests[target.at];
    if (test.load == FilterCode::kCall) break;
    const std::uint64_t value = load_value(test.load, prefix + test.place) & test.mask;
    target = value - test.low <= test.range ? test.inside : test.outside;
  }
  return target;
}

/// Whether a filter wants an event. False, too, if the event is not made of what the filter was made for.
///
/// Reads arguments once each, and of texts no more than the site said or a NUL ends: another thread that changes
/// them may change the answer and nothing else.
/// Threads: any; async-signal-safe.
/// Cost:    some nanoseconds for each instruction that is come to; a text to the byte that decides.
[[nodiscard]] bool filter_accepts(const Filter* filter, const FilterEvent& event);

/// Goes on behind run_tests(), for a payload of `bytes` bytes in one piece, not less than the filter's prefix.
[[nodiscard]] bool filter_continues(const Filter* filter, FilterTarget target,
                                    const sillage_event* description, const void* payload,
                                    std::uint32_t bytes, const RingView* ring, std::uint64_t ip,
                                    const sillage_part* unwritten = nullptr,
                                    std::uint32_t unwritten_count = 0);

/// The whole for a payload of `bytes` bytes in one piece.
[[nodiscard, gnu::always_inline]] inline bool filter_accepts_bytes(
    const Filter* filter, const sillage_event* description, const void* payload,
    std::uint32_t bytes, const RingView* ring, std::uint64_t ip,
    const sillage_part* unwritten = nullptr, std::uint32_t unwritten_count = 0) {
  if (bytes < filter->prefix_bytes) return false;
  const FilterTarget target = run_tests(filter, static_cast<const char*>(payload));
  if (target.kind == FilterTarget::kAnswer) return target.at != 0;
  return filter_continues(filter, target, description, payload, bytes, ring, ip, unwritten,
                          unwritten_count);
}

/// What filters ask of contexts: context.cpp, or a test's own.
///
/// Returns: the value of enum sillage_context, sign-extended if it has a sign; 0 of what is none.
[[nodiscard]] std::uint64_t filter_context(std::uint64_t context, const RingView* ring,
                                           std::uint64_t ip);
/// The text of a context, NUL-terminated; "" of what is none.
[[nodiscard]] const char* filter_context_text(std::uint32_t context, const RingView* ring);

}  // namespace sillage::probe
