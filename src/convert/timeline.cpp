// SPDX-License-Identifier: MIT
#include "convert/timeline.hpp"

#include "ctf/field_lookup.hpp"

#include <algorithm>
#include <utility>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

/// How the halves of pairs end; the first of each begins the slice.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kSuffixes{
    {{"_entry", "_exit"}, {"_enter", "_exit"}, {"_begin", "_end"}}};
constexpr std::array<std::string_view, 2> kSyscallPrefixes{"syscall_", "compat_syscall_"};
constexpr std::array<std::string_view, 3> kCpuPrefixes{"irq_", "x86_irq_vectors_", "timer_"};

std::optional<std::int64_t> number_of(const EventView& event, std::uint32_t field) {
  for (const Values values : {event.packet_context, event.common_context, event.specific_context}) {
    if (const auto number = number_in(values, field)) return number;
  }
  return std::nullopt;
}

std::string_view text_of(const EventView& event, std::uint32_t field) {
  for (const Values values : {event.common_context, event.specific_context}) {
    if (const auto text = text_in(values, field); !text.empty()) return text;
  }
  return {};
}

}  // namespace

std::uint32_t Timeline::pair_number(const std::string& key) {
  return pairs_.try_emplace(key, static_cast<std::uint32_t>(pairs_.size()) + 1).first->second;
}

// Finds whether a class is the half of a pair whose other half the trace has, too.
void Timeline::make_pair(const Plan& plan, Kind* kind) {
  const auto [found, is_new] = names_.try_emplace(&plan);
  auto& names = found->second;
  if (is_new) {
    for (const EventClass& event : plan.model().events) names.insert(event.name);
  }
  const auto set = [&](bool is_begin, std::string name, const std::string& other) {
    if (!names.contains(other)) return;
    kind->what = is_begin ? What::kBegin : What::kEnd;
    kind->name = std::move(name);
  };
  const std::string name = kind->name;
  for (const std::string_view prefix : kSyscallPrefixes) {
    if (!name.starts_with(prefix)) continue;
    const std::string_view rest = std::string_view(name).substr(prefix.size());
    for (const bool is_begin : {true, false}) {
      const std::string_view half = is_begin ? "entry_" : "exit_";
      if (!rest.starts_with(half)) continue;
      const std::string call(rest.substr(half.size()));
      set(is_begin, call, std::string(prefix) + (is_begin ? "exit_" : "entry_") + call);
      kind->is_syscall = kind->what != What::kInstant;
      kind->category = "syscall";
      kind->pair = pair_number(std::string(prefix) + call);
      return;
    }
  }
  for (const auto& [begin, end] : kSuffixes) {
    for (const bool is_begin : {true, false}) {
      const std::string_view own = is_begin ? begin : end, other = is_begin ? end : begin;
      if (name.size() <= own.size() || !name.ends_with(own)) continue;
      const std::string base = name.substr(0, name.size() - own.size());
      set(is_begin, base, base + std::string(other));
      kind->pair = pair_number(base + std::string(begin));
      if (kind->what != What::kInstant) return;
    }
  }
}

Timeline::Kind Timeline::make_kind(const DataStream& stream) {
  const Plan& plan = *stream.trace().plan;
  const EventPlan& event = *stream.event().event;
  Kind kind;
  kind.name = event.event_class->name.empty() ? "<unknown>" : event.event_class->name;
  const std::size_t colon = kind.name.find(':');
  kind.category = kind.name.substr(0, colon == std::string::npos ? kind.name.find('_') : colon);
  make_pair(plan, &kind);
  if (std::any_of(kCpuPrefixes.begin(), kCpuPrefixes.end(),
                  [&](std::string_view prefix) { return kind.name.starts_with(prefix); })) {
    kind.category = "irq";
    if (kind.what != What::kInstant) kind.place = Place::kCpu;
  }
  kind.cpu = find_field(plan, stream.plan().packet_context, "cpu_id");
  const auto context = [&](std::string_view name) {
    const std::uint32_t found = find_field(plan, stream.plan().common_context, name);
    return found != kNone ? found : find_field(plan, event.specific_context, name);
  };
  const auto first_of = [&](std::string_view name, std::string_view other) {
    const std::uint32_t found = context(name);
    return found != kNone ? found : context(other);
  };
  kind.tid = first_of("vtid", "tid");
  kind.pid = first_of("vpid", "pid");
  kind.procname = context("procname");
  kind.left_out = {kind.tid, kind.pid, kind.procname};
  const auto field = [&](std::string_view name) { return find_field(plan, event.payload, name); };
  const std::string& name = event.event_class->name;
  if (name == "sched_switch") {
    kind.previous_tid = field("prev_tid");
    kind.previous_name = field("prev_comm");
    kind.previous_priority = field("prev_prio");
    kind.previous_state = field("prev_state");
    kind.next_tid = field("next_tid");
    kind.next_name = field("next_comm");
    kind.next_priority = field("next_prio");
    if (kind.next_tid != kNone) kind.what = What::kSwitch;
  } else if (name == "lttng_statedump_process_state") {
    kind.other_tid = field("tid");
    kind.other_pid = field("pid");
    kind.other_name = field("name");
  } else if (name == "sched_process_fork") {
    kind.other_tid = field("child_tid");
    kind.other_pid = field("child_pid");
    kind.other_name = field("child_comm");
  }
  return kind;
}

const Timeline::Kind& Timeline::kind_of(const DataStream& stream) {
  const auto [kind, is_new] = kinds_.try_emplace(stream.event().event);
  if (is_new) kind->second = make_kind(stream);
  return kind->second;
}

Timeline::Row& Timeline::cpu_row(std::uint64_t cpu) {
  Row& row = cpus_[cpu].row;
  if (row.track.id == 0) {
    row.track = {.id = next_track_++, .kind = Track::Kind::kCpu, .cpu = cpu};
    writer_.name_track(row.track);
  }
  return row;
}

Timeline::Row& Timeline::thread_row(std::int64_t tid) {
  Row& row = threads_[tid];
  if (row.track.id == 0) {
    const Person& person = people_[tid];
    row.track = {.id = next_track_++,
                 .kind = Track::Kind::kThread,
                 .pid = person.pid.value_or(tid),
                 .tid = tid,
                 .name = person.name};
    writer_.name_track(row.track);
  }
  return row;
}

Timeline::Row& Timeline::stream_row(const DataStream& stream) {
  Row& row = streams_[&stream];
  if (row.track.id == 0) {
    const std::string& path = stream.name();
    row.track = {.id = next_track_++,
                 .kind = Track::Kind::kStream,
                 .cpu = stream.id(),
                 .name = path.substr(path.rfind('/') + 1)};
    writer_.name_track(row.track);
  }
  return row;
}

// What a thread is called, and of which process it is. A track keeps the process that it had first.
void Timeline::learn(std::int64_t tid, std::optional<std::int64_t> pid, std::string_view name) {
  if (tid == 0) return;
  Person& person = people_[tid];
  if (pid) person.pid = pid;
  if (name.empty() || person.name == name) return;
  person.name = name;
  if (person.pid == tid) writer_.name_process(tid, name);
  const auto row = threads_.find(tid);
  if (row == threads_.end()) return;
  row->second.track.name = name;
  writer_.name_track(row->second.track);
}

void Timeline::introduce(const EventView& event, const Kind& kind) {
  if (const auto tid = number_in(event.payload, kind.other_tid)) {
    learn(*tid, number_in(event.payload, kind.other_pid), text_in(event.payload, kind.other_name));
  }
}

// Ends what was begun last in a track, `count` times.
void Timeline::close(Row* row, std::size_t count, std::int64_t ns) {
  for (; count != 0; --count) {
    row->open.pop_back();
    writer_.end({.track = &row->track, .ns = ns});
  }
}

void Timeline::change_thread(const EventView& event, const Kind& kind, std::uint64_t cpu,
                             std::int64_t ns) {
  Row& row = cpu_row(cpu);
  // No interrupt goes over a switch: the ends of what is open were lost.
  close(&row, row.open.size(), ns);
  const auto number = [&](std::uint32_t field) {
    return number_in(event.payload, field).value_or(0);
  };
  const ThreadSwitch change{.cpu = &row.track,
                            .ns = ns,
                            .previous_tid = number(kind.previous_tid),
                            .next_tid = number(kind.next_tid),
                            .previous_name = text_in(event.payload, kind.previous_name),
                            .next_name = text_in(event.payload, kind.next_name),
                            .previous_priority = number(kind.previous_priority),
                            .next_priority = number(kind.next_priority),
                            .previous_state = number(kind.previous_state)};
  learn(change.previous_tid, std::nullopt, change.previous_name);
  learn(change.next_tid, std::nullopt, change.next_name);
  cpus_[cpu].tid = change.next_tid;
  writer_.switch_thread(change);
}

void Timeline::mark(Row* row, const Kind& kind, const Mark& mark) {
  if (kind.what == What::kBegin) {
    // System calls are not inside each other: the end of the one before was lost.
    const auto lost = std::find_if(row->open.begin(), row->open.end(), [&](const Open& open) {
      return kind.is_syscall && open.is_syscall;
    });
    close(row, static_cast<std::size_t>(row->open.end() - lost), mark.ns);
    row->open.push_back({.pair = kind.pair, .is_syscall = kind.is_syscall});
    return writer_.begin(mark);
  }
  if (kind.what == What::kEnd) {
    const auto found = std::find_if(row->open.rbegin(), row->open.rend(),
                                    [&](const Open& open) { return open.pair == kind.pair; });
    if (found != row->open.rend()) {
      close(row, static_cast<std::size_t>(found - row->open.rbegin()), mark.ns);
      row->open.pop_back();
      return writer_.end(mark);
    }
  }
  writer_.instant(mark);
}

void Timeline::add(const DataStream& stream) {
  const EventView& event = stream.event();
  const Kind& kind = kind_of(stream);
  const std::int64_t ns = stream.ns();
  const auto cpu = number_of(event, kind.cpu);
  std::optional<std::int64_t> tid = number_of(event, kind.tid);
  if (cpu) last_cpu_[&stream] = static_cast<std::uint64_t>(*cpu);
  if (kind.other_tid != kNone) introduce(event, kind);
  if (tid) {
    learn(*tid, number_of(event, kind.pid), text_of(event, kind.procname));
  } else if (cpu) {
    const auto running = cpus_.find(static_cast<std::uint64_t>(*cpu));
    if (running != cpus_.end()) tid = running->second.tid;
  }
  if (kind.what == What::kSwitch && cpu) {
    return change_thread(event, kind, static_cast<std::uint64_t>(*cpu), ns);
  }
  // Idle threads have no track of their own: there is one of each CPU.
  const bool is_of_thread = tid && *tid != 0 && (kind.place == Place::kThread || !cpu);
  Row& row = is_of_thread ? thread_row(*tid)
             : cpu        ? cpu_row(static_cast<std::uint64_t>(*cpu))
                          : stream_row(stream);
  const Arguments arguments{.plan = stream.trace().plan.get(),
                            .payload = event.payload,
                            .contexts = {event.common_context, event.specific_context},
                            .left_out = &kind.left_out};
  const Mark all{.track = &row.track,
                 .ns = ns,
                 .name = kind.name,
                 .category = kind.category,
                 .arguments = &arguments};
  // On the track of a CPU the slices of several threads would get mixed up.
  const bool is_mixed = !is_of_thread && kind.place == Place::kThread;
  if (is_mixed) return writer_.instant(all);
  mark(&row, kind, all);
}

void Timeline::add_loss(const Discarded& lost) {
  if (!lost.end_ns) return;
  const auto cpu = last_cpu_.find(lost.stream);
  Row& row = cpu == last_cpu_.end() ? stream_row(*lost.stream) : cpu_row(cpu->second);
  const bool is_events = lost.what == Discarded::What::kEvents;
  const std::string name = "lost " + (lost.count ? std::to_string(*lost.count) + " " : "") +
                           (is_events ? "events" : "packets");
  writer_.instant({.track = &row.track, .ns = *lost.end_ns, .name = name, .category = "loss"});
}

}  // namespace sillage::convert
