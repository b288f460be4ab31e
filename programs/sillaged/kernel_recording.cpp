// SPDX-License-Identifier: MIT
#include "sillaged/kernel_recording.hpp"

#include "ctf/kernel_layout.hpp"
#include "ctf/layout.hpp"
#include "kernel/contexts.hpp"
#include "kernel/maps.hpp"
#include "kernel/pins.hpp"
#include "ring/kernel_ring.hpp"
#include "session/nearest.hpp"
#include "session/perf_counters.hpp"

#include <fmt/format.h>

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace sillage::daemon {
namespace {

using kernel::EventPlan;
using kernel::KernelTracepoint;
using session::KernelRule;

Error filtered_out() {
  return {Code::kUnsupported, "it lacks fields without which the filter cannot match", {}};
}

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

std::vector<const kernel::SystemCall*> matching(const session::KernelChannel& wanted,
                                                const kernel::SystemCalls& calls) {
  std::vector<const kernel::SystemCall*> found;
  for (const kernel::SystemCall& call : calls.all())
    if (wanted.find_rule(KernelRule::Kind::kSyscall, call.name, call.user_name) != nullptr)
      found.push_back(&call);
  return found;
}

bool wants_syscalls(const session::KernelChannel& wanted) {
  return std::any_of(wanted.rules().begin(), wanted.rules().end(), [](const KernelRule& rule) {
    return rule.kind == KernelRule::Kind::kSyscall;
  });
}

bool is_place(const KernelRule& rule) {
  return rule.kind != KernelRule::Kind::kTracepoint && rule.kind != KernelRule::Kind::kSyscall;
}

Result<std::vector<kernel::PlacedEvent>> plan_place(const KernelRule& rule,
                                                    const kernel::Tracer& tracer) {
  if (rule.kind == KernelRule::Kind::kFunction)
    return kernel::plan_function(rule.pattern, tracer.btf());
  return rule.kind == KernelRule::Kind::kProbe ? kernel::plan_kernel_probe(rule.pattern)
                                               : kernel::plan_user_probe(rule.pattern);
}

tl::unexpected<Error> no_context(const std::string& name) {
  std::string all;
  for (const auto& known : ctf::kKernelContexts) all += " " + std::string(known.name);
  all += " perf:cpu:COUNTER";
  return fail(Code::kNotFound,
              fmt::format("kernel events have no context \"{}\"; use one of{}", name, all));
}

Status check_contexts(const session::KernelChannel& wanted) {
  for (const std::string& name : wanted.contexts()) {
    if (!session::is_perf_counter(name)) {
      if (!ctf::find_kernel_context(name)) return no_context(name);
    } else if (auto counter = session::parse_perf_counter(name, session::CountersOf::kCpus);
               !counter) {
      return tl::unexpected(std::move(counter).error());
    }
  }
  return {};
}

// A rule that finds nothing is a mistake of the user's, who wants to know at once.
Status check_rules(const session::KernelChannel& wanted, const kernel::Tracer& tracer,
                   const kernel::SystemCalls& calls) {
  for (const KernelRule& rule : wanted.rules()) {
    const bool is_syscall = rule.kind == KernelRule::Kind::kSyscall;
    if (is_place(rule)) continue;  // looked up where it is planned
    auto alone = session::KernelChannel::create({});
    if (!alone) return tl::unexpected(std::move(alone).error());
    SILLAGE_TRY(alone->add_rule(rule));
    std::vector<std::string> names;
    if (is_syscall) {
      if (!matching(*alone, calls).empty()) continue;
      for (const kernel::SystemCall& call : calls.all()) names.push_back(call.user_name);
    } else {
      if (!matching(*alone, tracer).empty() ||
          alone->find_rule(KernelRule::Kind::kTracepoint, kernel::kTextEvent, {}) != nullptr)
        continue;
      for (const KernelTracepoint& tracepoint : tracer.catalog().tracepoints())
        names.push_back(tracepoint.name);
    }
    const auto near = session::nearest_names(rule.pattern, names, 1);
    return fail(Code::kNotFound,
                std::string("this kernel has no ") + (is_syscall ? "system call" : "event") +
                    " \"" + rule.pattern + "\"" +
                    (near.empty() ? std::string("; `sillage list -k") +
                                        (is_syscall ? " --syscall" : "") + "` shows those it has"
                                  : "; did you mean " + near[0] + "?"));
  }
  return {};
}

// None if no rule is about them.
Result<kernel::SystemCalls> system_calls_of(const session::KernelChannel& wanted,
                                            const kernel::Tracer& tracer) {
  if (!wants_syscalls(wanted)) return kernel::SystemCalls{};
  return tracer.catalog().system_calls();
}

// As the user calls it, if at all; entry and exit of a function are two events.
std::string name_of(const KernelRule& rule, const std::string& planned) {
  if (rule.event_name.empty()) return planned;
  for (const char* side : {"_entry", "_exit"})
    if (rule.kind == KernelRule::Kind::kFunction && planned.ends_with(side))
      return rule.event_name + side;
  return rule.event_name;
}

ring::KernelRingOptions ring_options(const session::KernelChannel& wanted, std::size_t events) {
  const session::KernelChannelOptions& asked = wanted.options();
  ring::KernelRingOptions options;
  if (asked.subbuf_bytes) options.subbuf_bytes = *asked.subbuf_bytes;
  if (asked.subbuf_count) options.subbuf_count = *asked.subbuf_count;
  options.overwrite = asked.overwrite;
  const bool are_few = events < SILLAGE_RECORD_ID_EXTENDED && !asked.may_change;
  options.header = are_few ? SILLAGE_KERNEL_HEADER_COMPACT : SILLAGE_KERNEL_HEADER_LARGE;
  return options;
}

collect::FileOptions files_of(const session::KernelChannel& wanted) {
  const session::KernelChannelOptions& asked = wanted.options();
  return {{asked.tracefile_bytes.value, asked.tracefile_count}, asked.switch_period};
}

}  // namespace

Result<std::unique_ptr<KernelRecording>> KernelRecording::create(
    const session::KernelChannel& wanted, const std::string& file_name,
    const kernel::Tracer& tracer, collect::Collector& collector, collect::TraceId trace,
    LoadProgress& progress, const KernelRecording* predecessor) {
  std::unique_ptr<KernelRecording> recording(new KernelRecording(&collector));
  SILLAGE_TRY(recording->open(wanted, file_name, tracer, trace, progress, predecessor));
  return recording;
}

Result<std::unique_ptr<KernelRecording>> KernelRecording::create_counter(
    const session::KernelChannel& wanted, const kernel::Tracer& tracer, LoadProgress& progress) {
  std::unique_ptr<KernelRecording> counter(new KernelRecording(nullptr));
  const auto matches = find_matches(wanted, tracer);
  if (!matches) return tl::unexpected(matches.error());
  const auto cpus = ring::possible_cpu_count();
  if (!cpus) return tl::unexpected(cpus.error());
  // The tracked ones, and each rule.
  const auto questions = static_cast<std::uint32_t>(1 + wanted.rules().size());
  auto programs = kernel::KernelChannel::create_counter(
      static_cast<std::uint32_t>(most_events(wanted, *matches)), questions, tracer.casts(), *cpus,
      static_cast<std::uint32_t>(::getpid()));
  if (!programs) return tl::unexpected(std::move(programs).error());
  counter->programs_ = std::move(*programs);
  SILLAGE_TRY(counter->prepare(wanted, *matches, tracer, progress));
  counter->accept();
  SILLAGE_TRY(counter->settle());
  return counter;
}

std::size_t KernelRecording::most_events(const session::KernelChannel& wanted,
                                         const Matches& matches) {
  // Calls without a number have two of their own for either way of making them.
  constexpr std::size_t kUnknownCalls = 4;
  return matches.tracepoints.size() + 2 * (matches.calls.size() + wanted.rules().size()) +
         kUnknownCalls;
}

Result<KernelRecording::Matches> KernelRecording::find_matches(const session::KernelChannel& wanted,
                                                               const kernel::Tracer& tracer) {
  auto calls = system_calls_of(wanted, tracer);
  if (!calls) return tl::unexpected(std::move(calls).error());
  SILLAGE_TRY(check_rules(wanted, tracer, *calls));
  Matches matches;
  matches.all_calls = *std::move(calls);
  matches.tracepoints = matching(wanted, tracer);
  matches.calls = matching(wanted, matches.all_calls);
  return matches;
}

Status KernelRecording::check(const session::KernelChannel& wanted, const kernel::Tracer& tracer) {
  if (auto matches = find_matches(wanted, tracer); !matches)
    return tl::unexpected(std::move(matches).error());
  for (const KernelRule& rule : wanted.rules()) {
    if (!is_place(rule)) continue;
    if (auto planned = plan_place(rule, tracer); !planned)
      return tl::unexpected(std::move(planned).error());
  }
  SILLAGE_TRY(check_contexts(wanted));
  const auto cpus = ring::possible_cpu_count();
  if (!cpus) return tl::unexpected(cpus.error());
  if (auto geometry = ring::KernelRingGeometry::make(ring_options(wanted, 0), *cpus); !geometry)
    return tl::unexpected(std::move(geometry).error());
  auto filters = KernelFilters::parse(wanted);
  return filters ? Status() : tl::unexpected(std::move(filters).error());
}

Status KernelRecording::open(const session::KernelChannel& wanted, const std::string& file_name,
                             const kernel::Tracer& tracer, collect::TraceId trace,
                             LoadProgress& progress, const KernelRecording* predecessor) {
  const auto matches = find_matches(wanted, tracer);
  if (!matches) return tl::unexpected(matches.error());
  const std::size_t events = most_events(wanted, *matches);
  std::vector<kernel::FieldPlan> contexts;
  ctf::FieldClassRef context_class;
  // Programs find their stream by the CPU's number: possible ones, not those there are now.
  const auto cpus = ring::possible_cpu_count();
  if (!cpus) return tl::unexpected(cpus.error());
  SILLAGE_TRY(add_contexts(wanted, tracer, *cpus, &contexts, &context_class));
  const auto geometry = ring::KernelRingGeometry::make(ring_options(wanted, events), *cpus);
  if (!geometry) return tl::unexpected(geometry.error());
  auto programs = kernel::KernelChannel::create(
      *geometry, std::move(contexts), tracer.casts(), static_cast<std::uint32_t>(::getpid()),
      collect::kernel_ledger_bytes(*cpus),
      predecessor != nullptr ? predecessor->programs_.get() : nullptr, wanted.options().may_change);
  if (!programs) return tl::unexpected(std::move(programs).error());
  programs_ = std::move(*programs);
  auto map = programs_->ring_fd();
  if (!map) return tl::unexpected(std::move(map).error());
  auto wakeup = programs_->wakeup_fd();
  if (!wakeup) return tl::unexpected(std::move(wakeup).error());
  auto ledger = programs_->reader_fd();
  if (!ledger) return tl::unexpected(std::move(ledger).error());
  auto ring = ring::KernelRing::create(std::move(*map), *geometry, monotonic_now());
  if (!ring) return tl::unexpected(std::move(ring).error());
  auto channel = collector_->add_kernel_channel(trace, {.name = file_name,
                                                        .ring = std::move(*ring),
                                                        .contexts = std::move(context_class),
                                                        .wakeup = std::move(*wakeup),
                                                        .files = files_of(wanted),
                                                        .ledger = std::move(*ledger)});
  if (!channel) return tl::unexpected(std::move(channel).error());
  channel_ = *channel;

  SILLAGE_TRY(prepare(wanted, *matches, tracer, progress));
  accept();
  SILLAGE_TRY(settle());
  const bool may_be_empty = wanted.options().may_change && left_out_.empty();
  if (event_count() == 0 && !may_be_empty)
    return fail(Code::kUnsupported, "this kernel lets none of these events be recorded; " +
                                        (left_out_.empty() ? "" : left_out_.front()));
  // Last: the first ids are the shortest in records, and are for what happens often.
  if (wanted.options().state_dump) SILLAGE_TRY(add_state_dump(wanted, tracer));
  return {};
}

Status KernelRecording::prepare(const session::KernelChannel& wanted, const kernel::Tracer& tracer,
                                LoadProgress& progress) {
  const auto matches = find_matches(wanted, tracer);
  if (!matches) return tl::unexpected(matches.error());
  return prepare(wanted, *matches, tracer, progress);
}

Status KernelRecording::prepare(const session::KernelChannel& wanted, const Matches& matches,
                                const kernel::Tracer& tracer, LoadProgress& progress) {
  auto next = std::make_unique<session::KernelChannel>(wanted);
  auto filters = KernelFilters::parse(*next);
  if (!filters) return tl::unexpected(std::move(filters).error());
  before_ = {std::exchange(wanted_, std::move(next)), std::exchange(filters_, *std::move(filters)),
             std::exchange(left_out_, {})};
  staged_.clear();
  ++changes_;
  first_program_ = programs_->next_program();
  Status ready = load(*wanted_, matches, tracer, progress);
  if (ready && is_running_) ready = programs_->attach_new();
  if (!ready) give_up();
  return ready;
}

void KernelRecording::give_up() {
  programs_->forget_programs(first_program_);
  wanted_ = std::move(before_.wanted);
  filters_ = std::move(before_.filters);
  left_out_ = std::move(before_.left_out);
}

Status KernelRecording::load(const session::KernelChannel& wanted, const Matches& matches,
                             const kernel::Tracer& tracer, LoadProgress& progress) {
  progress.expect(matches.tracepoints.size() + 2 * matches.calls.size());
  SILLAGE_TRY(add_tracepoints(wanted, matches.tracepoints, tracer, progress));
  SILLAGE_TRY(add_syscalls(wanted, matches, tracer, progress));
  SILLAGE_TRY(add_logger(wanted));
  SILLAGE_TRY(add_places(wanted, tracer, progress));
  return filters_.check_fields();
}

// Nothing can fail any more: what is replaced or not wanted goes.
void KernelRecording::accept() {
  before_ = {};
  takes_texts_ = wants_texts_;
  std::vector<EventId> old_events;
  std::vector<kernel::SyscallPlace> old_calls;
  for (const Staged& staged : staged_) {
    Event& event = *staged.event;
    // A system call's new program takes the old one's place.
    if (event.is_loaded && !event.place) old_events.push_back(*event.id);
    event.rules = staged.rules;
    event.is_loaded = true;
  }
  for (auto& [key, event] : events_) {
    if (!event.is_loaded || event.wanted == changes_) continue;
    if (event.place) {
      old_calls.push_back(*event.place);
    } else {
      old_events.push_back(*event.id);
    }
    event.is_loaded = false;
  }
  programs_->replace(old_events, old_calls, first_program_);
}

Result<bool> KernelRecording::apply(const std::vector<const KernelRule*>& rules,
                                    const kernel::Tracer& tracer, EventPlan* plan) {
  return collector_ != nullptr ? filters_.apply(rules, tracer.btf(), plan)
                               : filters_.count(rules, tracer.btf(), plan);
}

bool KernelRecording::is_as_wanted(const std::string& key,
                                   const std::vector<const KernelRule*>& rules) {
  const auto found = events_.find(key);
  if (found == events_.end() || !found->second.is_loaded) return false;
  Event& event = found->second;
  const bool is_same = event.rules.size() == rules.size() &&
                       std::equal(rules.begin(), rules.end(), event.rules.begin(),
                                  [](const KernelRule* a, const KernelRule& b) { return *a == b; });
  if (is_same) event.wanted = changes_;
  return is_same;
}

EventId KernelRecording::id_of(const std::string& key) {
  const auto found = events_.find(key);
  const bool is_declared = found != events_.end() && found->second.id;
  return is_declared ? *found->second.id : EventId{next_id_};
}

Status KernelRecording::stage(const std::string& key, const EventPlan& plan,
                              const std::vector<const KernelRule*>& rules) {
  Event& event = events_[key];
  if (!event.id) {
    const auto id = declare(plan.name, plan.payload);
    if (!id) return tl::unexpected(id.error());
    event.id = *id;
  }
  event.name = plan.name;
  event.wanted = changes_;
  event.can_match.clear();
  for (std::size_t i = 1; i < plan.counted.size(); ++i)
    event.can_match.push_back(plan.counted[i].has_value());
  Staged staged{&event, {}};
  for (const KernelRule* rule : rules) staged.rules.push_back(*rule);
  staged_.push_back(std::move(staged));
  return {};
}

Status KernelRecording::add_tracepoints(const session::KernelChannel& wanted,
                                        const std::vector<const KernelTracepoint*>& tracepoints,
                                        const kernel::Tracer& tracer, LoadProgress& progress) {
  for (const KernelTracepoint* tracepoint : tracepoints) {
    SILLAGE_TRY(progress.next());
    auto plans = tracer.plan(*tracepoint);
    const auto rules =
        wanted.find_rules(KernelRule::Kind::kTracepoint, tracepoint->name, tracepoint->event);
    Status added = plans ? add_event(std::move(*plans), rules, tracer)
                         : tl::unexpected(std::move(plans).error());
    if (!added) SILLAGE_TRY(leave_out(tracepoint->name, std::move(added).error()));
  }
  return {};
}

Status KernelRecording::add_syscalls(const session::KernelChannel& wanted, const Matches& matches,
                                     const kernel::Tracer& tracer, LoadProgress& progress) {
  const auto& found = matches.calls;
  if (found.empty()) return {};
  if (tracer.btf() == nullptr)
    return fail(Code::kUnsupported,
                "system calls need the kernel's types: " + tracer.why_no_types());
  auto planner = kernel::SyscallPlanner::create(*tracer.btf());
  if (!planner) return tl::unexpected(std::move(planner).error());
  const std::uint32_t bytes =
      std::min(wanted.options().syscall_bytes, kernel::SyscallPlanner::kMaxBytes);
  for (const bool at_exit : {false, true}) {
    for (const kernel::SystemCall* call : found) {
      SILLAGE_TRY(progress.next());
      SILLAGE_TRY(add_syscall(
          planner->plan(*call, at_exit, bytes),
          wanted.find_rules(KernelRule::Kind::kSyscall, call->name, call->user_name), tracer));
    }
    if (found.size() != matches.all_calls.all().size()) continue;
    for (const kernel::Abi abi : {kernel::Abi::kNative, kernel::Abi::kCompat})
      SILLAGE_TRY(add_syscall(planner->plan_unknown(abi, at_exit),
                              wanted.find_rules(KernelRule::Kind::kSyscall, "unknown", {}),
                              tracer));
  }
  return {};
}

Status KernelRecording::add_syscall(kernel::SyscallEvent event,
                                    const std::vector<const KernelRule*>& rules,
                                    const kernel::Tracer& tracer) {
  const auto can_match = apply(rules, tracer, &event.plan);
  if (!can_match) return tl::unexpected(can_match.error());
  if (!*can_match) return leave_out(event.plan.name, filtered_out());
  const std::string key = "syscall " + event.plan.name;
  if (is_as_wanted(key, rules)) return {};
  Status added = programs_->add_syscall(event, id_of(key), *tracer.btf());
  if (!added) return leave_out(event.plan.name, std::move(added).error());
  SILLAGE_TRY(stage(key, event.plan, rules));
  events_[key].place = event.place;
  return {};
}

Status KernelRecording::leave_out(const std::string& name, Error why) {
  // Permissions do not come with the next event, and what has a column is a mistake in a filter.
  if (why.code == Code::kPermission || why.location.starts_with("column"))
    return tl::unexpected(std::move(why));
  left_out_.push_back(name + ": " + why.message);
  return {};
}

Result<EventId> KernelRecording::declare(const std::string& name, ctf::FieldClassRef payload) {
  if (collector_ == nullptr) return EventId{next_id_++};
  ctf::EventClass event;
  event.name = name;
  event.payload = std::move(payload);
  auto id = collector_->add_event(channel_, std::move(event));
  if (id) ++next_id_;
  return id;
}

Status KernelRecording::add_logger(const session::KernelChannel& wanted) {
  wants_texts_ = false;
  const auto rules = wanted.find_rules(KernelRule::Kind::kTracepoint, kernel::kTextEvent, {});
  if (rules.empty() || collector_ == nullptr) return {};
  const bool is_filtered = std::none_of(
      rules.begin(), rules.end(), [](const KernelRule* rule) { return rule->filter.empty(); });
  if (is_filtered)
    return leave_out(kernel::kTextEvent, {Code::kUnsupported, "texts cannot be filtered", {}});
  if (const Status writer = programs_->prepare_writer(); !writer)
    return leave_out(kernel::kTextEvent, writer.error());
  wants_texts_ = true;
  if (logger_id_) return {};
  ctf::PayloadBuilder payload;
  const auto id = declare(kernel::kTextEvent, payload.string("msg").build());
  if (!id) return tl::unexpected(id.error());
  logger_id_ = *id;
  return {};
}

Status KernelRecording::log(std::string_view text) {
  if (!takes_texts_) return {};
  std::vector<std::byte> payload(text.size() + 1);
  std::memcpy(payload.data(), text.data(), text.size());
  return programs_->write_record(*logger_id_, payload);
}

Status KernelRecording::add_state_dump(const session::KernelChannel& wanted,
                                       const kernel::Tracer& tracer) {
  auto dump =
      kernel::StateDump::create(*programs_, tracer.btf(), {wanted.options().memory_maps},
                                [this](const std::string& name, const ctf::FieldClassRef& payload) {
                                  return declare(name, payload);
                                });
  if (!dump) return tl::unexpected(std::move(dump).error());
  left_out_.insert(left_out_.end(), dump->left_out().begin(), dump->left_out().end());
  dump_ = std::move(*dump);
  return {};
}

Status KernelRecording::start() {
  SILLAGE_TRY(attach());
  return dump_ ? dump_->run() : Status();
}

Status KernelRecording::attach() {
  SILLAGE_TRY(programs_->start());
  is_running_ = true;
  return {};
}

Result<bool> KernelRecording::dump_state() {
  if (!dump_) return false;
  SILLAGE_TRY(dump_->run());
  return true;
}

Status KernelRecording::add_contexts(const session::KernelChannel& wanted,
                                     const kernel::Tracer& tracer, std::uint32_t cpu_count,
                                     std::vector<kernel::FieldPlan>* plans,
                                     ctf::FieldClassRef* field_class) {
  if (wanted.contexts().empty()) return {};
  if (tracer.btf() == nullptr)
    return fail(Code::kUnsupported, "contexts need the kernel's types: " + tracer.why_no_types());
  ctf::KernelContextBuilder builder;
  for (const std::string& name : wanted.contexts()) {
    if (session::is_perf_counter(name)) {
      auto event = session::parse_perf_counter(name, session::CountersOf::kCpus);
      if (!event) return tl::unexpected(std::move(event).error());
      builder.add_perf_counter(event->field);
      auto counter = kernel::PerfCounter::open(event->field, event->type, event->config, cpu_count);
      if (!counter) return tl::unexpected(std::move(counter).error());
      plans->push_back(counter->field());
      counters_.push_back(std::move(*counter));
      continue;
    }
    const auto context = ctf::find_kernel_context(name);
    if (!context) return no_context(name);
    auto plan = kernel::plan_context(*context, *tracer.btf());
    if (!plan) return tl::unexpected(std::move(plan).error());
    plans->push_back(std::move(*plan));
    builder.add(*context);
  }
  *field_class = builder.build();
  return {};
}

// The first of the ways that the kernel accepts.
Status KernelRecording::add_event(std::vector<EventPlan> plans,
                                  const std::vector<const KernelRule*>& rules,
                                  const kernel::Tracer& tracer) {
  Status loaded = tl::unexpected(filtered_out());
  for (EventPlan& plan : plans) {
    const auto can_match = apply(rules, tracer, &plan);
    if (!can_match) return tl::unexpected(can_match.error());
    if (!*can_match) continue;
    const std::string key = "tracepoint " + plan.name;
    if (is_as_wanted(key, rules)) return {};
    loaded = programs_->add_event(plan, id_of(key), tracer.btf());
    if (loaded) return stage(key, plan, rules);
  }
  return loaded;
}

Status KernelRecording::add_places(const session::KernelChannel& wanted,
                                   const kernel::Tracer& tracer, LoadProgress& progress) {
  for (const KernelRule& rule : wanted.rules()) {
    if (!is_place(rule)) continue;
    const auto events = plan_place(rule, tracer);
    if (!events) return tl::unexpected(events.error());
    progress.expect(1);
    SILLAGE_TRY(progress.next());
    Status added = add_events(rule, *events, tracer);
    if (added) continue;
    const bool is_function = rule.kind == KernelRule::Kind::kFunction;
    if (!is_function || added.error().location.starts_with("column")) return added;
    // Kernels that refuse the one may have the other.
    if (!kernel::has_kernel_probes()) {
      if (added.error().code != Code::kPermission) return added;
      return fail(
          Code::kUnsupported,
          "this kernel lets programs be attached to none of its functions: it refuses fentry "
          "and has no kprobes (CONFIG_FUNCTION_TRACER, CONFIG_KPROBE_EVENTS, no lockdown)");
    }
    SILLAGE_TRY(add_events(rule, kernel::plan_function_probes(rule.pattern), tracer));
  }
  return {};
}

Status KernelRecording::add_events(const KernelRule& rule,
                                   const std::vector<kernel::PlacedEvent>& events,
                                   const kernel::Tracer& tracer) {
  for (kernel::PlacedEvent event : events) {
    for (EventPlan& plan : event.places) plan.name = name_of(rule, plan.name);
    SILLAGE_TRY(add_place(rule, std::move(event), tracer));
  }
  return {};
}

// A program at each of its places, all for one event. What was asked for by name is not left out.
Status KernelRecording::add_place(const KernelRule& rule, kernel::PlacedEvent event,
                                  const kernel::Tracer& tracer) {
  const std::string key = "place " + rule.pattern + " " + event.places.front().name;
  for (EventPlan& plan : event.places) {
    const auto can_match = apply({&rule}, tracer, &plan);
    if (!can_match) return tl::unexpected(can_match.error());
    if (!*can_match) return leave_out(plan.name, filtered_out());
  }
  if (is_as_wanted(key, {&rule})) return {};
  for (const EventPlan& plan : event.places)
    SILLAGE_TRY(programs_->add_event(plan, id_of(key), tracer.btf()));
  return stage(key, event.places.front(), {&rule});
}

void KernelRecording::stop() {
  is_running_ = false;
  programs_->stop();
  (void)report_nested();
}

Status KernelRecording::pin(const std::string& pins) {
  if (programs_->is_pinned()) return programs_->pin_new();
  auto directory = kernel::PinDirectory::create(pins);
  if (!directory) return tl::unexpected(std::move(directory).error());
  return programs_->pin(std::move(*directory));
}

Result<std::unique_ptr<KernelRecording>> KernelRecording::adopt(
    const session::KernelChannel& wanted, const std::string& file_name, const std::string& pins,
    const kernel::PinnedPrograms* programs, bool has_turn, std::uint64_t nested_lost,
    collect::Collector& collector, collect::TraceId trace) {
  std::unique_ptr<KernelRecording> recording(new KernelRecording(&collector));
  auto directory = kernel::PinDirectory::existing(pins);
  if (!directory) return tl::unexpected(std::move(directory).error());
  auto adopted = kernel::KernelChannel::adopt(
      std::move(*directory), static_cast<std::uint32_t>(::getpid()), programs, has_turn);
  if (!adopted) return tl::unexpected(std::move(adopted).error());
  recording->programs_ = std::move(*adopted);
  auto map = recording->programs_->ring_fd();
  if (!map) return tl::unexpected(std::move(map).error());
  const auto shape = kernel::map_shape(map->value());
  if (!shape) return tl::unexpected(shape.error());
  auto wakeup = recording->programs_->wakeup_fd();
  if (!wakeup) return tl::unexpected(std::move(wakeup).error());
  auto ledger = recording->programs_->reader_fd();
  if (!ledger) return tl::unexpected(std::move(ledger).error());
  auto ring = ring::KernelRing::open(std::move(*map), shape->value_bytes, shape->entries);
  if (!ring) return tl::unexpected(std::move(ring).error());
  auto channel = collector.resume_kernel_channel(trace, {.name = file_name,
                                                         .ring = std::move(*ring),
                                                         .contexts = nullptr,  // declared already
                                                         .wakeup = std::move(*wakeup),
                                                         .files = files_of(wanted),
                                                         .ledger = std::move(*ledger)});
  if (!channel) return tl::unexpected(std::move(channel).error());
  recording->channel_ = *channel;
  recording->missed_before_ = nested_lost;
  (void)recording->report_nested();
  return recording;
}

std::vector<KernelRecording::RuleReport> KernelRecording::rule_reports() const {
  std::vector<RuleReport> reports;
  if (wanted_ == nullptr) return reports;
  for (const KernelRule& rule : wanted_->rules()) {
    RuleReport& report = reports.emplace_back();
    for (const auto& [key, event] : events_) {
      if (!event.is_loaded ||
          std::find(event.rules.begin(), event.rules.end(), rule) == event.rules.end())
        continue;
      report.events.push_back(event.name);
      report.missed += programs_->recursion_misses(*event.id);
    }
  }
  return reports;
}

Result<std::vector<KernelRecording::RuleCount>> KernelRecording::rule_counts() const {
  const auto tallies = programs_->tallies();
  if (!tallies) return tl::unexpected(tallies.error());
  std::vector<RuleCount> counts;
  for (const KernelRule& rule : wanted_->rules()) {
    RuleCount& count = counts.emplace_back();
    for (const auto& [key, event] : events_) {
      const auto found = std::find(event.rules.begin(), event.rules.end(), rule);
      if (!event.is_loaded || found == event.rules.end()) continue;
      const auto which = static_cast<std::size_t>(found - event.rules.begin());
      if (!event.can_match[which]) continue;
      const auto of_event = tallies->of(*event.id);
      const std::uint64_t happened = of_event[0], tracked = of_event[1],
                          wants = of_event[2 + which];
      count.events.push_back({event.name, happened, wants});
      count.happened += happened;
      count.untracked += happened - std::min(tracked, happened);
      count.wanted += wants;
    }
  }
  return counts;
}

std::uint64_t KernelRecording::report_nested() {
  if (collector_ == nullptr) return 0;
  const std::uint64_t missed = missed_before_ + programs_->recursion_misses();
  collector_->set_nested_lost(channel_, missed);
  return missed;
}

}  // namespace sillage::daemon
