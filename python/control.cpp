// SPDX-License-Identifier: MIT
// The extension module sillage._control. People import `sillage.control`, which is sillage/control.py.
#include <sillage/control.hpp>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sillage::python {
namespace {

namespace py = pybind11;
using namespace sillage::control;

constexpr const char* kKinds[] = {"invalid-argument", "not-found", "already-exists", "permission",
                                  "not-ready",        "corrupt",   "limit",          "no-space",
                                  "unsupported",      "timeout",   "system"};

/// Raises sillage.control.Error.
[[noreturn]] void raise(const Error& error) {
  const py::object type = py::module_::import("sillage._control").attr("Error");
  const py::object made = type(error.message);
  made.attr("kind") = kKinds[static_cast<std::size_t>(error.kind)];
  made.attr("message") = error.message;
  PyErr_SetObject(type.ptr(), made.ptr());
  throw py::error_already_set();
}

/// The value of a request that other threads of Python need not wait for.
template <class Request>
auto ask(Request request) {
  auto result = [&] {
    const py::gil_scoped_release unlocked;
    return request();
  }();
  if (!result) raise(result.error());
  return std::move(*result);
}

/// A structure as a Python type: its members are attributes and keywords of its constructor.
template <class T>
class Record {
 public:
  Record(const py::module_& module, const char* name, const char* doc) : type_(module, name, doc) {
    type_.def(py::init([](const py::kwargs& members) {
      T made{};
      const py::object view = py::cast(&made, py::return_value_policy::reference);
      for (const auto& [member, value] : members) view.attr(member) = value;
      return made;
    }));
    type_.def("__repr__", [](const py::object& self) {
      std::string text = py::cast<std::string>(py::type::of(self).attr("__name__")) + "(";
      bool is_first = true;
      for (const py::handle field : py::type::of(self).attr("_fields")) {
        if (!std::exchange(is_first, false)) text += ", ";
        text +=
            py::cast<std::string>(field) + "=" + py::cast<std::string>(py::repr(self.attr(field)));
      }
      return text + ")";
    });
    if constexpr (requires(const T& one) { one == one; })
      type_.def("__eq__", [](const T& one, const py::object& other) {
        return py::isinstance<T>(other) && one == other.cast<const T&>();
      });
  }

  template <class Member>
  Record& field(const char* name, Member T::*member) {
    type_.def_readwrite(name, member);
    return add(name);
  }
  /// Nanoseconds, as all times of this package are.
  Record& time(const char* name, std::optional<std::chrono::nanoseconds> T::*member) {
    type_.def_property(
        name,
        [member](const T& self) -> std::optional<std::int64_t> {
          if (!(self.*member)) return std::nullopt;
          return (self.*member)->count();
        },
        [member](T& self, std::optional<std::int64_t> value) {
          (self.*member).reset();
          if (value) self.*member = std::chrono::nanoseconds(*value);
        });
    return add(name);
  }

 private:
  /// `_fields`: the names, in order.
  Record& add(const char* name) {
    names_.append(name);
    type_.attr("_fields") = py::tuple(names_);
    return *this;
  }

  py::class_<T> type_;
  py::list names_;
};

void add_enumerations(const py::module_& module) {
  py::enum_<Domain>(module, "Domain", "Whose events: of programs, or of the kernel.")
      .value("USER", Domain::kUser)
      .value("KERNEL", Domain::kKernel);
  py::enum_<Mode>(module, "Mode", "Where a session's events go.")
      .value("LOCAL", Mode::kLocal)
      .value("SNAPSHOT", Mode::kSnapshot)
      .value("NO_OUTPUT", Mode::kNoOutput);
  py::enum_<State>(module, "State", "What a session is doing.")
      .value("CREATED", State::kCreated)
      .value("STARTED", State::kStarted)
      .value("STOPPED", State::kStopped);
  py::enum_<Rule::Kind>(module, "RuleKind", "Which instrumentation a rule is about.")
      .value("USER_TRACEPOINT", Rule::Kind::kUserTracepoint)
      .value("KERNEL_TRACEPOINT", Rule::Kind::kKernelTracepoint)
      .value("SYSCALL", Rule::Kind::kSyscall)
      .value("FUNCTION", Rule::Kind::kFunction)
      .value("PROBE", Rule::Kind::kProbe)
      .value("USERSPACE_PROBE", Rule::Kind::kUserspaceProbe);
  py::enum_<Rule::Levels>(module, "Levels", "Which log levels a rule wants.")
      .value("ANY", Rule::Levels::kAny)
      .value("AT_LEAST_AS_SEVERE", Rule::Levels::kAtLeastAsSevere)
      .value("ONLY", Rule::Levels::kOnly);
  py::enum_<Attribute>(module, "Attribute", "What of a process decides whether it is recorded.")
      .value("PID", Attribute::kPid)
      .value("VPID", Attribute::kVpid)
      .value("UID", Attribute::kUid)
      .value("VUID", Attribute::kVuid)
      .value("GID", Attribute::kGid)
      .value("VGID", Attribute::kVgid);
}

void add_model(const py::module_& module) {
  Record<ChannelOptions>(module, "ChannelOptions",
                         "None in a request: the daemon chooses. Times in nanoseconds.")
      .field("name", &ChannelOptions::name)
      .field("overwrite", &ChannelOptions::overwrite)
      .field("subbuf_bytes", &ChannelOptions::subbuf_bytes)
      .field("subbuf_count", &ChannelOptions::subbuf_count)
      .time("switch_timer_ns", &ChannelOptions::switch_timer)
      .time("read_timer_ns", &ChannelOptions::read_timer)
      .time("monitor_timer_ns", &ChannelOptions::monitor_timer)
      .time("watchdog_timer_ns", &ChannelOptions::watchdog_timer)
      .time("blocking_timeout_ns", &ChannelOptions::blocking_timeout)
      .field("tracefile_bytes", &ChannelOptions::tracefile_bytes)
      .field("tracefile_count", &ChannelOptions::tracefile_count)
      .field("per_process", &ChannelOptions::per_process)
      .field("one_buffer", &ChannelOptions::one_buffer)
      .field("on_demand", &ChannelOptions::on_demand)
      .time("reclaim_age_ns", &ChannelOptions::reclaim_age);
  Record<Rule>(module, "Rule", "Asks for events.")
      .field("kind", &Rule::kind)
      .field("name", &Rule::name)
      .field("place", &Rule::place)
      .field("exclusions", &Rule::exclusions)
      .field("levels", &Rule::levels)
      .field("level", &Rule::level)
      .field("filter", &Rule::filter)
      .field("is_enabled", &Rule::is_enabled);
  Record<Channel>(module, "Channel", "A channel of a session.")
      .field("options", &Channel::options)
      .field("is_enabled", &Channel::is_enabled)
      .field("rules", &Channel::rules)
      .field("contexts", &Channel::contexts)
      .field("discarded_events", &Channel::discarded_events)
      .field("lost_packets", &Channel::lost_packets);
  Record<AttributeValue>(module, "AttributeValue", "One that may record, by number or name.")
      .field("number", &AttributeValue::number)
      .field("name", &AttributeValue::name);
  Record<InclusionSet>(module, "InclusionSet", "Which processes may record.")
      .field("attribute", &InclusionSet::attribute)
      .field("values", &InclusionSet::values);
  Record<SessionDomain>(module, "SessionDomain", "What a session has of one domain.")
      .field("domain", &SessionDomain::domain)
      .field("channels", &SessionDomain::channels)
      .field("inclusion_sets", &SessionDomain::inclusion_sets);
  Record<SnapshotOutput>(module, "SnapshotOutput", "Where snapshots go.")
      .field("id", &SnapshotOutput::id)
      .field("name", &SnapshotOutput::name)
      .field("path", &SnapshotOutput::path)
      .field("max_bytes", &SnapshotOutput::max_bytes);
  Record<RotationSchedule>(module, "RotationSchedule", "When a session is rotated by itself.")
      .time("period_ns", &RotationSchedule::period)
      .field("bytes", &RotationSchedule::bytes);
  Record<Session>(module, "Session", "All that a session is.")
      .field("name", &Session::name)
      .field("path", &Session::path)
      .field("mode", &Session::mode)
      .field("state", &Session::state)
      .field("trace_format", &Session::trace_format)
      .field("buffers_path", &Session::buffers_path)
      .field("owner_uid", &Session::owner_uid)
      .field("domains", &Session::domains)
      .field("snapshot_outputs", &Session::snapshot_outputs)
      .field("rotation", &Session::rotation);
}

void add_answers(const py::module_& module) {
  Record<LostEvents>(module, "LostEvents", "Events that were sent and are not in the trace.")
      .field("full", &LostEvents::full)
      .field("too_big", &LostEvents::too_big)
      .field("busy", &LostEvents::busy)
      .field("timeout", &LostEvents::timeout)
      .field("overrun", &LostEvents::overrun)
      .field("corrupt", &LostEvents::corrupt)
      .field("disk", &LostEvents::disk)
      .field("nested", &LostEvents::nested)
      .field("other", &LostEvents::other);
  Record<Statistics>(module, "Statistics",
                     "What a session recorded: sent = events + pending + sum(lost).")
      .field("events", &Statistics::events)
      .field("pending", &Statistics::pending)
      .field("packets", &Statistics::packets)
      .field("bytes", &Statistics::bytes)
      .field("rejected", &Statistics::rejected)
      .field("lost", &Statistics::lost)
      .field("output_error", &Statistics::output_error);
  Record<LeftOut>(module, "LeftOut", "Kernel events that cannot be recorded.")
      .field("count", &LeftOut::count)
      .field("reasons", &LeftOut::reasons);
  Record<Enabled>(module, "Enabled", "A rule that is on now.")
      .field("is_new", &Enabled::is_new)
      .field("left_out", &Enabled::left_out);
  Record<Stopped>(module, "Stopped", "What a session has recorded when it stops.")
      .field("statistics", &Stopped::statistics)
      .field("warning", &Stopped::warning);
  Record<Destroyed>(module, "Destroyed", "What a session was and has recorded.")
      .field("session", &Destroyed::session)
      .field("statistics", &Destroyed::statistics)
      .field("warning", &Destroyed::warning)
      .field("archive", &Destroyed::archive);
  Record<Snapshot>(module, "Snapshot", "What was recorded, and where.")
      .field("paths", &Snapshot::paths)
      .field("events", &Snapshot::events)
      .field("bytes", &Snapshot::bytes);
  Record<FilterProblem>(module, "FilterProblem", "A filter that cannot match an event.")
      .field("filter", &FilterProblem::filter)
      .field("event", &FilterProblem::event)
      .field("program", &FilterProblem::program)
      .field("reason", &FilterProblem::reason);
  Record<UnmatchedPattern>(module, "UnmatchedPattern", "A rule's pattern that no event has.")
      .field("pattern", &UnmatchedPattern::pattern)
      .field("nearest", &UnmatchedPattern::nearest);
  Record<SeenEvent>(module, "SeenEvent", "An event that programs have.")
      .field("name", &SeenEvent::name)
      .field("level", &SeenEvent::level)
      .field("programs", &SeenEvent::programs);
  Record<KernelRule>(module, "KernelRule", "What became of a rule of the kernel's.")
      .field("channel", &KernelRule::channel)
      .field("rule", &KernelRule::rule)
      .field("events", &KernelRule::events)
      .field("event_count", &KernelRule::event_count)
      .field("missed", &KernelRule::missed);
  Record<EventCount>(module, "EventCount", "How often an event happened while it was watched.")
      .field("name", &EventCount::name)
      .field("happened", &EventCount::happened)
      .field("wanted", &EventCount::wanted);
  Record<RuleCount>(module, "RuleCount", "What a rule met while it was watched.")
      .field("domain", &RuleCount::domain)
      .field("channel", &RuleCount::channel)
      .field("rule", &RuleCount::rule)
      .field("happened", &RuleCount::happened)
      .field("untracked", &RuleCount::untracked)
      .field("wanted", &RuleCount::wanted)
      .field("events", &RuleCount::events)
      .field("event_count", &RuleCount::event_count)
      .field("watched_events", &RuleCount::watched_events);
  Record<Findings>(module, "Findings", "What a session's rules met.")
      .field("session", &Findings::session)
      .field("statistics", &Findings::statistics)
      .field("programs", &Findings::programs)
      .field("other_programs", &Findings::other_programs)
      .field("refused_programs", &Findings::refused_programs)
      .field("last_refusal", &Findings::last_refusal)
      .field("events", &Findings::events)
      .field("events_matched", &Findings::events_matched)
      .field("below_level", &Findings::below_level)
      .field("excluded", &Findings::excluded)
      .field("unmatched", &Findings::unmatched)
      .field("filter_problems", &Findings::filter_problems)
      .field("left_out", &Findings::left_out)
      .field("warning", &Findings::warning)
      .field("kernel_rules", &Findings::kernel_rules)
      .time("watched_ns", &Findings::watched)
      .field("counts", &Findings::counts);
  Record<FieldDescription>(module, "FieldDescription", "A field of an event.")
      .field("name", &FieldDescription::name)
      .field("type", &FieldDescription::type);
  Record<EventDescription>(module, "EventDescription", "An event that a program has.")
      .field("name", &EventDescription::name)
      .field("level", &EventDescription::level)
      .field("source", &EventDescription::source)
      .field("fields", &EventDescription::fields);
  Record<Program>(module, "Program", "A program that has tracepoints and runs now.")
      .field("pid", &Program::pid)
      .field("uid", &Program::uid)
      .field("name", &Program::name)
      .field("events", &Program::events);
  Record<DaemonInfo>(module, "DaemonInfo", "Which daemon answers.")
      .field("version", &DaemonInfo::version)
      .field("pid", &DaemonInfo::pid)
      .field("clock", &DaemonInfo::clock)
      .field("programs", &DaemonInfo::programs)
      .field("refused_programs", &DaemonInfo::refused_programs)
      .field("last_refusal", &DaemonInfo::last_refusal);
}

std::chrono::milliseconds milliseconds(double seconds) {
  constexpr double kMost = 1e9;  // some thirty years
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(std::min(std::max(seconds, 0.0), kMost) * 1000));
}

Wait wait_of(bool waits) { return waits ? Wait::kUntilComplete : Wait::kNo; }

RuleSelection selection(Domain domain, std::optional<std::string> channel,
                        std::optional<std::string> name, std::optional<Rule::Kind> kind,
                        std::optional<std::string> filter) {
  return {domain, std::move(channel), std::move(name), kind, std::move(filter)};
}

using Text = const std::string&;
using MaybeText = std::optional<std::string>;

// Arguments stand here by place: their names and defaults are those of sillage/control.py.
void add_client(const py::module_& module) {
  py::class_<Client> client(module, "Client");
  client.def("change_deadline",
             [](Client& self, double seconds) { self.change_deadline(milliseconds(seconds)); });
  client.def("daemon", [](Client& self) { return ask([&] { return self.daemon(); }); });
  client.def("programs", [](Client& self, bool with_fields) {
    return ask([&] { return self.programs(with_fields); });
  });
  client.def("sessions", [](Client& self) { return ask([&] { return self.sessions(); }); });
  client.def("session",
             [](Client& self, Text name) { return ask([&] { return self.session(name); }); });
  client.def("create",
             [](Client& self, Text name, Mode mode, Text path, Text format, Text buffers) {
               return ask([&] { return self.create({name, mode, path, format, buffers}); });
             });
  client.def("destroy", [](Client& self, Text name, bool waits) {
    return ask([&] { return self.destroy(name, wait_of(waits)); });
  });
  client.def("start",
             [](Client& self, Text name) { return ask([&] { return self.start(name); }); });
  client.def("stop", [](Client& self, Text name, bool waits) {
    return ask([&] { return self.stop(name, wait_of(waits)); });
  });
  client.def("enable_channel",
             [](Client& self, Text session, Domain domain, const ChannelOptions& options) {
               return ask([&] { return self.enable_channel(session, domain, options); });
             });
  client.def("disable_channel", [](Client& self, Text session, Domain domain, Text channel) {
    ask([&] { return self.disable_channel(session, domain, channel); });
  });
  client.def("enable_rule",
             [](Client& self, Text session, const Rule& rule, const MaybeText& channel) {
               return ask([&] { return self.enable_rule(session, rule, channel); });
             });
  client.def("disable_rules", [](Client& self, Text session, Domain domain, MaybeText channel,
                                 MaybeText name, std::optional<Rule::Kind> kind, MaybeText filter) {
    const RuleSelection which =
        selection(domain, std::move(channel), std::move(name), kind, std::move(filter));
    return ask([&] { return self.disable_rules(session, which); });
  });
  client.def("remove_rules", [](Client& self, Text session, Domain domain, MaybeText channel,
                                MaybeText name, std::optional<Rule::Kind> kind, MaybeText filter) {
    const RuleSelection which =
        selection(domain, std::move(channel), std::move(name), kind, std::move(filter));
    return ask([&] { return self.remove_rules(session, which); });
  });
  client.def("add_context",
             [](Client& self, Text session, Domain domain, Text context, const MaybeText& channel) {
               ask([&] { return self.add_context(session, domain, context, channel); });
             });
  client.def("track", [](Client& self, Text session, Domain domain, Attribute attribute,
                         const std::optional<AttributeValue>& value) {
    ask([&] {
      return value ? self.track(session, domain, attribute, *value)
                   : self.track_all(session, domain, attribute);
    });
  });
  client.def("untrack", [](Client& self, Text session, Domain domain, Attribute attribute,
                           const std::optional<AttributeValue>& value) {
    ask([&] {
      return value ? self.untrack(session, domain, attribute, *value)
                   : self.untrack_all(session, domain, attribute);
    });
  });
  client.def("record_snapshot",
             [](Client& self, Text session, Text name, Text path, std::uint64_t max_bytes) {
               return ask([&] { return self.record_snapshot(session, {name, path, max_bytes}); });
             });
  client.def("add_snapshot_output", [](Client& self, Text session, Text name, Text path,
                                       std::uint64_t max_bytes) {
    return ask([&] { return self.add_snapshot_output(session, {0, name, path, max_bytes}); });
  });
  client.def("remove_snapshot_output", [](Client& self, Text session, Text output) {
    return ask([&] { return self.remove_snapshot_output(session, output); });
  });
  client.def("rotate", [](Client& self, Text session, bool waits) {
    return ask([&] { return self.rotate(session, wait_of(waits)); });
  });
  client.def("schedule_rotation", [](Client& self, Text session, const RotationSchedule& schedule) {
    ask([&] { return self.schedule_rotation(session, schedule); });
  });
  client.def("cancel_rotation", [](Client& self, Text session, const RotationSchedule& which) {
    ask([&] { return self.cancel_rotation(session, which); });
  });
  client.def("clear", [](Client& self, Text name) { ask([&] { return self.clear(name); }); });
  client.def(
      "reclaim_memory", [](Client& self, Text session, Text channel, std::int64_t older_than_ns) {
        return ask([&] {
          return self.reclaim_memory(session, channel, std::chrono::nanoseconds(older_than_ns));
        });
      });
  client.def("regenerate_metadata",
             [](Client& self, Text name) { ask([&] { return self.regenerate_metadata(name); }); });
  client.def("regenerate_state_dump", [](Client& self, Text name) {
    ask([&] { return self.regenerate_state_dump(name); });
  });
  client.def("save", [](Client& self, Text name, Text file) {
    ask([&] { return self.save(name, file); });
  });
  client.def("load", [](Client& self, Text file, bool replaces) {
    return ask([&] { return self.load(file, replaces); });
  });
  client.def("why_empty", [](Client& self, Text name, double watch) {
    return ask([&] { return self.why_empty(name, milliseconds(watch)); });
  });
}

}  // namespace
}  // namespace sillage::python

PYBIND11_MODULE(_control, module) {
  namespace py = pybind11;
  using namespace sillage::python;
  PyObject* error = PyErr_NewExceptionWithDoc(
      "sillage.control.Error",
      "A request that failed; nothing was changed.\n\n"
      "kind:    'invalid-argument', 'not-found', 'already-exists', 'permission', 'not-ready', "
      "'corrupt', 'limit',\n         'no-space', 'unsupported', 'timeout' or 'system'\n"
      "message: one sentence, the daemon's where it refused: what happened, and what to do",
      PyExc_Exception, nullptr);
  if (error == nullptr) throw py::error_already_set();
  module.attr("Error") = py::reinterpret_steal<py::object>(error);
  module.attr("FOREVER") = sillage::control::kForEver.count();
  add_enumerations(module);
  add_model(module);
  add_answers(module);
  add_client(module);
  module.def("connect", [](const std::string& path, bool starts_daemon, double deadline,
                           const std::string& group) {
    return ask([&] {
      return sillage::control::Client::connect({.socket_path = path,
                                                .starts_daemon = starts_daemon,
                                                .deadline = milliseconds(deadline),
                                                .group = group});
    });
  });
}
