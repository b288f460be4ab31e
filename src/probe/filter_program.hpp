// SPDX-License-Identifier: MIT
// Filters as this library holds them: checked, and decoded for filter_machine.cpp.
#pragma once

#include "abi/filter.h"

#include <cstdint>

namespace sillage::probe {

/// What one instruction of a checked filter does. K: with a constant.
enum class FilterCode : std::uint8_t {
  kMove,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kRemainder,
  kOr,
  kAnd,
  kXor,
  kShiftLeft,
  kShiftRight,
  kShiftRightSigned,
  kMoveK,
  kAddK,
  kSubtractK,
  kMultiplyK,
  kDivideK,
  kRemainderK,
  kOrK,
  kAndK,
  kXorK,
  kShiftLeftK,
  kShiftRightK,
  kShiftRightSignedK,
  kMoveWide,  // takes the place of two
  kSwap16,
  kSwap32,
  kSwap64,
  kLoad1,
  kLoad2,
  kLoad4,
  kLoad8,
  kLoadSigned1,
  kLoadSigned2,
  kLoadSigned4,
  kStore,
  kStoreK,
  kJump,
  kIfEqual,
  kIfNotEqual,
  kIfAbove,
  kIfAboveOrEqual,
  kIfBelow,
  kIfBelowOrEqual,
  kIfGreater,
  kIfGreaterOrEqual,
  kIfLess,
  kIfLessOrEqual,
  kIfAnyBit,
  kIfEqualK,
  kIfNotEqualK,
  kIfAboveK,
  kIfAboveOrEqualK,
  kIfBelowK,
  kIfBelowOrEqualK,
  kIfGreaterK,
  kIfGreaterOrEqualK,
  kIfLessK,
  kIfLessOrEqualK,
  kIfAnyBitK,
  kCall,
  kExit,
};

/// What a load reads.
enum FilterBase : std::uint8_t { kFilterPrefix, kFilterCells, kFilterStack, kFilterBases };

struct FilterOp {
  FilterCode code;
  std::uint8_t to, from;  ///< registers, 0 to 8; `from` of a load: a FilterBase
  std::uint8_t reserved;
  std::uint32_t
      at;  ///< of a jump: the operation to go to; of a load or store: the offset; of a call: the helper
  std::uint64_t constant;
};

constexpr std::uint32_t kFilterRegisters = 9;

/// Where a filter goes on: at an operation, at a test, or nowhere, as the answer is known.
struct FilterTarget {
  enum Kind : std::uint32_t { kOp, kTest, kAnswer };
  Kind kind;
  std::uint32_t at;  ///< of the operation or test; 1 or 0 of the answer
};

/// What most filters are made of, in one step: an integer of the prefix, some of its bits, compared with a constant; or a
/// text compared with a literal or a pattern. Whatever the comparison, it asks whether the value lies in a range:
/// value - low <= range, unsigned.
struct FilterTest {
  std::uint64_t mask, low, range;
  std::uint16_t place;  ///< in the prefix; of a text: its cell
  FilterCode load;      ///< of a text kCall
  std::uint16_t literal,
      pieces;  ///< pieces 0: the literal is compared; else it begins a pattern of so many
  FilterTarget inside, outside;
};

/// A filter that has been checked.
///
/// Lifetime: never freed nor changed: a thread may be running it across any reconfiguration.
struct Filter {
  const FilterTest* tests;
  const FilterOp* ops;
  const sillage_filter_field* fields;
  const sillage_filter_literal* literals;
  const char* text;
  FilterTarget start;
  std::uint16_t prefix_bytes, stack_bytes;
  std::uint16_t field_count, literal_count;
  bool has_app_values;  ///< some field is an APP_VALUE
};

/// Whether a field is a text: that is what helpers take.
[[nodiscard]] inline bool is_filter_text(const sillage_filter_field& field) {
  return field.kind != SILLAGE_FILTER_VALUE && field.kind != SILLAGE_FILTER_APP_VALUE;
}

/// The bytes that decode_filter() needs for a program, or 0 if its head or its sizes cannot be.
///
/// Shape: `from` has `bytes` bytes that nobody changes, and is aligned to 8.
[[nodiscard]] std::uint64_t decoded_filter_bytes(const void* from, std::uint64_t bytes);

/// Checks a program against every rule of abi/filter.h and decodes it into `memory`.
///
/// Returns: nullptr if a rule is broken. Whatever the bytes, what is returned can be run.
/// Shape:   `memory` has decoded_filter_bytes(), aligned to 8, and holds all of the result.
/// Cost:    linear.
[[nodiscard]] const Filter* decode_filter(const void* from, std::uint64_t bytes, void* memory);

}  // namespace sillage::probe
