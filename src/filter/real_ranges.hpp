// SPDX-License-Identifier: MIT
// Comparisons of numbers with a fraction as ranges of an integer: for machines that have integers alone.
#pragma once

#include "base/result.hpp"
#include "filter/tree.hpp"

#include <cstdint>
#include <vector>

namespace sillage::filter {

/// What a comparison comes to for the integers up to `last`, from behind the range in front.
struct RealRange {
  enum class Outcome : std::uint8_t { kFalse, kTrue, kMissing };
  std::int64_t last = 0;
  Outcome outcome = Outcome::kFalse;
  bool operator==(const RealRange&) const = default;
};

/// A comparison whose outcome one integer decides.
struct RealComparison {
  const Node* integer = nullptr;    ///< of the tree
  std::vector<RealRange> ranges{};  ///< ascending; neighbours differ, the last one ends at 2^63 - 1
};

/// Finds them for a comparison of a bound tree, one of whose operands is a number with a fraction. Ranges are of what matches()
/// computes, with its rounding, infinities and divisions by 0: found by trying, as each operation with a constant rises or
/// falls all along where its operand has one sign.
///
/// Cost:   some us an operation.
/// Errors: kInvalidArgument  several integers decide, or a field that has a fraction; location is "column N".
///         kLimit            more than kMaxRealRanges.
[[nodiscard]] Result<RealComparison> find_real_ranges(const Tree& tree, const Node& comparison);

inline constexpr std::size_t kMaxRealRanges = 64;

}  // namespace sillage::filter
