// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "filter/tree.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace sillage::filter {

/// Reads a filter expression.
///
/// Precedence, tightest first (bits in front of comparisons, unlike C): `! ~ + -` of one operand,
/// `* / %`, `+ -`, `<< >>`, `&`, `^`, `|`, `< <= > >=`, `== !=`, `&&`, `||`.
/// Errors: kInvalidArgument  not an expression, or one that can be nothing but wrong: location is
///                           "column N" or "line L, column N", the message says what to write.
///         kLimit            longer or deeper than Limits.
/// Cost:   linear in the text; the stack is bounded by Limits::kNesting.
/// Source: LTTng's grammar (lttng-enable-event(1)), with arithmetic, measured against LTTng 2.13.
[[nodiscard]] Result<Tree> parse(std::string_view text);

/// A place of an expression, as nodes and names have it, for people: "column N", or "line L, column N" in one of several lines.
[[nodiscard]] std::string place_text(std::string_view text, std::uint32_t column);

/// Says in an error of bind() or compile(), whose location is "column N", the line, too, if the expression has several.
void add_line(std::string_view text, Error* error);

}  // namespace sillage::filter
