// SPDX-License-Identifier: MIT
#include "kernel/tracer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

namespace sillage::kernel {
namespace {

// Systems whose events happen to whoever runs, or make up an account that has to be whole.
constexpr std::array<std::string_view, 15> kHappenings = {
    "csd", "exceptions", "ipi",    "irq",   "irq_matrix",      "irq_vectors", "nmi",      "power",
    "rcu", "sched",      "signal", "timer", "timer_migration", "task",        "workqueue"};

// Whether that kernel's verifier takes tracepoints' arguments for valid pointers: Linux 6.2 and later.
bool trusts_pointers(const std::string& release) {
  unsigned major = 0, minor = 0;
  const int read = std::sscanf(release.c_str(), "%u.%u", &major, &minor);
  return read != 2 || major > 6 || (major == 6 && minor >= 2);
}

}  // namespace

Result<Tracer> Tracer::open() {
  auto catalog = Catalog::load();
  if (!catalog) return tl::unexpected(std::move(catalog).error());
  Tracer tracer(std::move(*catalog));
  const Btf* btf = tracer.catalog_.btf();
  if (btf == nullptr) {
    tracer.why_no_types_ = tracer.catalog_.why_no_types();
    return tracer;
  }
  const auto cast = btf->find_function("bpf_rdonly_cast");
  const auto task = btf->find_tag("task_struct");
  if (cast && task) {
    tracer.casts_ = {cast->id, task->id, find_current_place(*btf)};
  } else if (trusts_pointers(btf->release())) {
    tracer.why_no_types_ =
        "its types have no bpf_rdonly_cast(), without which following pointers is not safe";
    return tracer;
  }
  tracer.uses_types_ = true;
  return tracer;
}

Result<std::vector<EventPlan>> Tracer::plan(const KernelTracepoint& tracepoint) const {
  std::vector<EventPlan> plans;
  if (!tracepoint.why_not.empty()) return fail(Code::kUnsupported, tracepoint.why_not);
  if (uses_types_)
    if (const auto recipe = catalog_.recipe(tracepoint)) plans.push_back(plan_event(*recipe));
  auto format = catalog_.format(tracepoint);
  auto plan = format ? plan_tracepoint(*format)
                     : Result<EventPlan>(tl::unexpected(std::move(format).error()));
  if (plan) plans.push_back(std::move(*plan));
  if (plans.empty()) return tl::unexpected(std::move(plan).error());
  const bool happens =
      std::find(kHappenings.begin(), kHappenings.end(), tracepoint.system) != kHappenings.end();
  for (EventPlan& way : plans) way.is_own_doing = !happens;
  return plans;
}

}  // namespace sillage::kernel
