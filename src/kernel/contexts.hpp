// SPDX-License-Identifier: MIT
// Contexts of kernel events: what every record of a channel says of the task and CPU it happened on.
#pragma once

#include "base/result.hpp"
#include "ctf/kernel_layout.hpp"
#include "kernel/btf.hpp"
#include "kernel/program_plan.hpp"

namespace sillage::kernel {

/// How programs of the running kernel get a context.
///
/// Errors: kUnsupported  this kernel does not have what it needs, or BPF programs cannot know it.
[[nodiscard]] Result<FieldPlan> plan_context(ctf::KernelContext context, const Btf& btf);

}  // namespace sillage::kernel
