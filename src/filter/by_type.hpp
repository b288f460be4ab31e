// SPDX-License-Identifier: MIT
// Fields whose type differs by record, for compilers, which have to know it.
#pragma once

#include "base/result.hpp"
#include "filter/tree.hpp"

#include <cstdint>

namespace sillage::filter {

/// More fields of applications in one comparison would be more variants than programs have room for: three of each.
constexpr std::uint32_t kMaxApplicationFields = 3;

/// Whether an expression asks for contexts of applications.
[[nodiscard]] bool has_application_fields(const Tree& tree);

/// The same expression, parsed and not bound, without fields of unknown type: each comparison, and whatever else is not made of
/// `&&`, `||` and `!`, stands there once for each combination of types that its contexts of applications can have, under
/// Operator::kEither. Of such a variant FieldName::only says the types. A record's values fit one of them, and the others
/// are missing, so that the whole means what it meant.
///
/// Errors: kLimit  a comparison has more than kMaxApplicationFields of them; location is "column N".
[[nodiscard]] Result<Tree> split_by_type(const Tree& tree);

}  // namespace sillage::filter
