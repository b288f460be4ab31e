// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "filter/tree.hpp"

#include <string_view>

namespace sillage::filter {

/// Reads a filter expression.
///
/// Precedence, tightest first (bits in front of comparisons, unlike C): `! ~ + -` of one operand,
/// `* / %`, `+ -`, `<< >>`, `&`, `^`, `|`, `< <= > >=`, `== !=`, `&&`, `||`.
/// Errors: kInvalidArgument  not an expression, or one that can be nothing but wrong: location is
///                           "column N", the message says what to write.
///         kLimit            longer or deeper than Limits.
/// Cost:   linear in the text; the stack is bounded by Limits::kNesting.
/// Source: LTTng's grammar (lttng-enable-event(1)), with arithmetic, measured against LTTng 2.13.
[[nodiscard]] Result<Tree> parse(std::string_view text);

}  // namespace sillage::filter
