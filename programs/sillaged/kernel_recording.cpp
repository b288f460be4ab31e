// SPDX-License-Identifier: MIT
#include "sillaged/kernel_recording.hpp"

#include "ctf/kernel_layout.hpp"
#include "kernel/contexts.hpp"
#include "ring/kernel_ring.hpp"
#include "session/nearest.hpp"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace sillage::daemon {
namespace {

using kernel::EventPlan;
using kernel::KernelTracepoint;
using session::KernelRule;

Nanoseconds monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return {static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
          static_cast<std::uint64_t>(now.tv_nsec)};
}

std::vector<const KernelTracepoint*> matching(const session::KernelChannel& wanted,
                                              const kernel::Tracer& tracer) {
  std::vector<const KernelTracepoint*> found;
  for (const KernelTracepoint& tracepoint : tracer.catalog().tracepoints())
    if (wanted.find_rule(KernelRule::Kind::kTracepoint, tracepoint.name, tracepoint.event) !=
        nullptr)
      found.push_back(&tracepoint);
  return found;
}

// A rule that finds nothing is a mistake of the user's, who wants to know at once.
Status check_rules(const session::KernelChannel& wanted, const kernel::Tracer& tracer) {
  for (const KernelRule& rule : wanted.rules()) {
    if (rule.kind != KernelRule::Kind::kTracepoint) continue;
    auto alone = session::KernelChannel::create({});
    if (!alone) return tl::unexpected(std::move(alone).error());
    SILLAGE_TRY(alone->add_rule(rule));
    if (!matching(*alone, tracer).empty()) continue;
    std::vector<std::string> names;
    for (const KernelTracepoint& tracepoint : tracer.catalog().tracepoints())
      names.push_back(tracepoint.name);
    const auto near = session::nearest_names(rule.pattern, names, 1);
    return fail(Code::kNotFound, "this kernel has no event \"" + rule.pattern + "\"" +
                                     (near.empty() ? "; `sillage list -k` shows those it has"
                                                   : "; did you mean " + near[0] + "?"));
  }
  return {};
}

ring::KernelRingOptions ring_options(const session::KernelChannel& wanted, std::size_t events) {
  const session::KernelChannelOptions& asked = wanted.options();
  ring::KernelRingOptions options;
  if (asked.subbuf_bytes) options.subbuf_bytes = *asked.subbuf_bytes;
  if (asked.subbuf_count) options.subbuf_count = *asked.subbuf_count;
  options.overwrite = asked.overwrite;
  options.header = events < SILLAGE_RECORD_ID_EXTENDED ? SILLAGE_KERNEL_HEADER_COMPACT
                                                       : SILLAGE_KERNEL_HEADER_LARGE;
  return options;
}

}  // namespace

Result<std::unique_ptr<KernelRecording>> KernelRecording::create(
    const session::KernelChannel& wanted, const kernel::Tracer& tracer,
    collect::Collector& collector, collect::TraceId trace) {
  std::unique_ptr<KernelRecording> recording(new KernelRecording(collector));
  SILLAGE_TRY(recording->open(wanted, tracer, trace));
  return recording;
}

Status KernelRecording::open(const session::KernelChannel& wanted, const kernel::Tracer& tracer,
                             collect::TraceId trace) {
  SILLAGE_TRY(check_rules(wanted, tracer));
  const std::vector<const KernelTracepoint*> tracepoints = matching(wanted, tracer);
  std::vector<kernel::FieldPlan> contexts;
  ctf::FieldClassRef context_class;
  SILLAGE_TRY(add_contexts(wanted, tracer, &contexts, &context_class));

  const long cpus = ::sysconf(_SC_NPROCESSORS_CONF);
  const auto geometry = ring::KernelRingGeometry::make(ring_options(wanted, tracepoints.size()),
                                                       static_cast<std::uint32_t>(cpus));
  if (!geometry) return tl::unexpected(geometry.error());
  auto programs = kernel::KernelChannel::create(*geometry, std::move(contexts), tracer.casts());
  if (!programs) return tl::unexpected(std::move(programs).error());
  programs_ = std::move(*programs);
  auto map = programs_->ring_fd();
  if (!map) return tl::unexpected(std::move(map).error());
  auto wakeup = programs_->wakeup_fd();
  if (!wakeup) return tl::unexpected(std::move(wakeup).error());
  auto ring = ring::KernelRing::create(std::move(*map), *geometry, monotonic_now());
  if (!ring) return tl::unexpected(std::move(ring).error());
  auto channel = collector_.add_kernel_channel(trace, {.name = wanted.options().name,
                                                       .ring = std::move(*ring),
                                                       .contexts = std::move(context_class),
                                                       .wakeup = std::move(*wakeup)});
  if (!channel) return tl::unexpected(std::move(channel).error());
  channel_ = *channel;

  for (const KernelTracepoint* tracepoint : tracepoints) {
    auto plans = tracer.plan(*tracepoint);
    const Status added =
        plans ? add_event(*plans, tracer) : tl::unexpected(std::move(plans).error());
    if (added) continue;
    // Permissions do not come with the next event.
    if (added.error().code == Code::kPermission) return added;
    left_out_.push_back(tracepoint->name + ": " + added.error().message);
  }
  if (event_count() == 0)
    return fail(Code::kUnsupported, "this kernel lets none of these events be recorded; " +
                                        (left_out_.empty() ? "" : left_out_.front()));
  return {};
}

Status KernelRecording::add_contexts(const session::KernelChannel& wanted,
                                     const kernel::Tracer& tracer,
                                     std::vector<kernel::FieldPlan>* plans,
                                     ctf::FieldClassRef* field_class) const {
  if (wanted.contexts().empty()) return {};
  if (tracer.btf() == nullptr)
    return fail(Code::kUnsupported, "contexts need the kernel's types: " + tracer.why_no_types());
  ctf::KernelContextBuilder builder;
  for (const std::string& name : wanted.contexts()) {
    const auto context = ctf::find_kernel_context(name);
    if (!context) {
      std::string all;
      for (const auto& known : ctf::kKernelContexts) all += " " + std::string(known.name);
      return fail(Code::kNotFound,
                  "kernel events have no context \"" + name + "\"; use one of" + all);
    }
    auto plan = kernel::plan_context(*context, *tracer.btf());
    if (!plan) return tl::unexpected(std::move(plan).error());
    plans->push_back(std::move(*plan));
    builder.add(*context);
  }
  *field_class = builder.build();
  return {};
}

// The first of the ways that the kernel accepts.
Status KernelRecording::add_event(const std::vector<EventPlan>& plans,
                                  const kernel::Tracer& tracer) {
  Status loaded;
  for (const EventPlan& plan : plans) {
    loaded = programs_->add_event(plan, EventId{next_id_}, tracer.btf());
    if (!loaded) continue;
    ctf::EventClass event;
    event.name = plan.name;
    event.payload = plan.payload;
    const auto id = collector_.add_event(channel_, std::move(event));
    if (!id) return tl::unexpected(id.error());
    ++next_id_;
    return {};
  }
  return loaded;
}

void KernelRecording::stop() {
  programs_->stop();
  report_nested();
}

void KernelRecording::report_nested() {
  collector_.set_nested_lost(channel_, programs_->recursion_misses());
}

}  // namespace sillage::daemon
