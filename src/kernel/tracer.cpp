// SPDX-License-Identifier: MIT
#include "kernel/tracer.hpp"

#include "tracefs/lttng_names.hpp"

#include <cstdio>
#include <utility>

namespace sillage::kernel {
namespace {

// Whether that kernel's verifier takes tracepoints' arguments for valid pointers: Linux 6.2 and later.
bool trusts_pointers(const std::string& release) {
  unsigned major = 0, minor = 0;
  const int read = std::sscanf(release.c_str(), "%u.%u", &major, &minor);
  return read != 2 || major > 6 || (major == 6 && minor >= 2);
}

}  // namespace

Result<Tracer> Tracer::open() {
  Tracer tracer;
  auto directory = tracefs::find_tracefs();
  if (!directory) return tl::unexpected(std::move(directory).error());
  tracer.tracefs_ = std::move(*directory);
  auto names = tracefs::event_names(tracer.tracefs_);
  if (!names) return tl::unexpected(std::move(names).error());
  for (tracefs::EventName& name : *names) {
    // System calls have programs of their own.
    if (name.system == "syscalls" || !tracefs::why_not_recordable(tracer.tracefs_, name).empty())
      continue;
    std::string lttng = tracefs::lttng_event_name(name.system, name.event);
    tracer.tracepoints_.push_back({std::move(name), std::move(lttng)});
  }
  auto recipes = built_in_recipes();
  if (!recipes) return tl::unexpected(std::move(recipes).error());
  for (EventRecipe& recipe : *recipes) {
    std::string name = recipe.name;
    tracer.recipes_.emplace(std::move(name), std::move(recipe));
  }
  auto btf = Btf::load();
  if (btf) {
    const auto cast = btf->find_function("bpf_rdonly_cast");
    const auto task = btf->find_tag("task_struct");
    if (cast && task) {
      tracer.casts_ = {cast->id, task->id};
      tracer.btf_ = std::move(*btf);
    } else if (trusts_pointers(btf->release())) {
      tracer.no_btf_ =
          "its types have no bpf_rdonly_cast(), without which following pointers is not safe";
    } else {
      tracer.btf_ = std::move(*btf);
    }
  } else {
    tracer.no_btf_ = btf.error().message;
  }
  return tracer;
}

Result<std::vector<EventPlan>> Tracer::plan(const Tracepoint& tracepoint) const {
  std::vector<EventPlan> plans;
  if (btf_) {
    const auto [first, last] = recipes_.equal_range(tracepoint.name);
    for (auto at = first; at != last && plans.empty(); ++at) {
      if (at->second.tracepoint != tracepoint.kernel_name.event) continue;
      // A recipe that does not fit this kernel is no loss: the format always does.
      if (auto event = resolve(at->second, *btf_, {})) plans.push_back(plan_event(*event));
    }
  }
  auto format = tracefs::read_event_format(tracefs_, tracepoint.kernel_name);
  auto plan = format ? plan_tracepoint(*format)
                     : Result<EventPlan>(tl::unexpected(std::move(format).error()));
  if (plan) plans.push_back(std::move(*plan));
  if (plans.empty()) return tl::unexpected(std::move(plan).error());
  return plans;
}

}  // namespace sillage::kernel
