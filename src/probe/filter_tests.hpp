// SPDX-License-Identifier: MIT
// Finding in a checked filter what can be done in one step.
#pragma once

#include "probe/filter_program.hpp"

#include <cstdint>

namespace sillage::probe {

/// A program whose operations have been checked.
struct FilterProgramParts {
  const FilterOp* ops;
  std::uint32_t op_count;
  const sillage_filter_field* fields;
  std::uint32_t field_count, literal_count;
};

/// Makes tests of the operations that load, mask, compare and jump, or compare a text, where no register is looked at
/// afterwards.
///
/// The operations stay as they are: what jumps between them finds them. `tests` and `live` have an element per operation.
/// `start` becomes where the filter begins.
/// Returns: false if some register is read that need not have been written.
[[nodiscard]] bool make_tests(const FilterProgramParts& parts, FilterTest* tests,
                              std::uint16_t* live, FilterTarget* start);

}  // namespace sillage::probe
