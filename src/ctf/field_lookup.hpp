// SPDX-License-Identifier: MIT
// Fields by name, for who knows what an event means: the name is looked up once in a plan, the value in each event.
#pragma once

#include "ctf/decode_plan.hpp"
#include "ctf/decoder.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sillage::ctf {

/// The member of a scope's root structure that is called so; kNone if there is none.
[[nodiscard]] inline std::uint32_t find_field(const Plan& plan, const ScopePlan& scope,
                                              std::string_view name) {
  if (scope.empty()) return kNone;
  for (const std::uint32_t child : plan.fields()[scope.root].children)
    if (plan.fields()[child].name == name) return child;
  return kNone;
}

/// Its value in an event; nullptr if it has none there.
///
/// Cost: a look at each member before it.
[[nodiscard]] inline const Value* find_value(Values values, std::uint32_t field) {
  if (field == kNone || values.empty()) return nullptr;
  const Value* const end = values.data() + values.size();
  for (const Value* value = values.data() + 1; value < end; value += value->extent)
    if (value->field == field) return value;
  return nullptr;
}

/// The same of an integer, whose bits are taken as signed.
[[nodiscard]] inline std::optional<std::int64_t> number_in(Values values, std::uint32_t field) {
  const Value* value = find_value(values, field);
  const bool is_number = value != nullptr &&
                         (value->kind == ValueKind::kUnsigned || value->kind == ValueKind::kSigned);
  return is_number ? std::optional(static_cast<std::int64_t>(value->number)) : std::nullopt;
}

/// The same of a text; "" if there is none. Valid as long as the event is.
[[nodiscard]] inline std::string_view text_in(Values values, std::uint32_t field) {
  const Value* value = find_value(values, field);
  return value != nullptr && value->kind == ValueKind::kText ? value->text() : std::string_view();
}

}  // namespace sillage::ctf
