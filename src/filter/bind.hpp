// SPDX-License-Identifier: MIT
// Names of an expression into the slots of one kind of record, once, so that no record costs a
// look-up.
#pragma once

#include "base/result.hpp"
#include "filter/tree.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace sillage::filter {

/// Where a kind of record keeps a field, and what it is.
struct Slot {
  std::uint32_t index = 0;  ///< the schema's own number, given back to Record::read()
  Type type = Type::kUnknown;
};

/// What one kind of record has: an event class, the arguments of a system call, a tracepoint.
class Schema {
 public:
  virtual ~Schema() = default;
  /// Where that field is; none if this kind of record never has it.
  [[nodiscard]] virtual std::optional<Slot> find(const FieldName& name) const = 0;
};

/// An expression for one kind of record.
struct Binding {
  /// Types are set, and fields say their slots. What can have no value is kMissing.
  Tree tree{};
  /// Fields that the record never has, in `tree.fields`.
  std::vector<std::uint32_t> missing{};
  /// The first operation whose operands' types do not fit; where it stands is in the location.
  std::optional<Error> mismatch{};

  /// False: no record of this kind can match.
  [[nodiscard]] bool can_match() const { return tree.root().type != Type::kMissing; }
};

/// Types a parsed expression for one kind of record.
///
/// A field that is not there and operands that do not fit make what stands on them missing, not the
/// whole expression: `fd == 3 || prev_fd == 3` matches records that have one of the two.
[[nodiscard]] Binding bind(const Tree& tree, const Schema& schema);

}  // namespace sillage::filter
