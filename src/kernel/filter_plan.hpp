// SPDX-License-Identifier: MIT
// Filter expressions on events of the kernel.
#pragma once

#include "base/result.hpp"
#include "filter/bind.hpp"
#include "filter/tree.hpp"
#include "kernel/btf.hpp"
#include "kernel/program_plan.hpp"

namespace sillage::kernel {

/// Types an expression for an event and adds it to those of which one has to match; an expression that
/// can never match is not added.
///
/// Its fields are integers and texts of the payload, by their names in the trace, integers in its arrays, sequences and
/// structures, and contexts that need not be recorded ($ctx.NAME); `btf` may be null, then there are no contexts.
/// Errors: kInvalidArgument  operands whose types do not fit, and with kLimit those of filter::compile().
///         The location is "column N".
[[nodiscard]] Result<filter::Binding> add_filter(const filter::Tree& tree, const Btf* btf,
                                                 EventPlan* plan);

}  // namespace sillage::kernel
