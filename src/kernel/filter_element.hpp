// SPDX-License-Identifier: MIT
// Parts of fields, for filters: elements of arrays and sequences, members of structures.
#pragma once

#include "filter/tree.hpp"
#include "kernel/program_plan.hpp"

#include <optional>
#include <span>

namespace sillage::kernel {

/// The integer that a name's steps lead to from one field of an event's payload, as a field of its own, which need not be
/// recorded; none if they lead nowhere, or to what is no integer.
///
/// Of a sequence it is `FieldPlan::element`, which an event may lack.
[[nodiscard]] std::optional<FieldPlan> plan_element(const EventPlan& event,
                                                    std::span<const filter::PathStep> path);

}  // namespace sillage::kernel
