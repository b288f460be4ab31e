// SPDX-License-Identifier: MIT
#include "lttng/context_element.hpp"
#include "lttng/session_file.hpp"
#include "lttng/xml_reader.hpp"
#include "session/perf_counters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

constexpr std::uint64_t kForEver = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMicrosecond = 1000;
constexpr std::array<std::string_view, 6> kAttributes = {"pid",  "vpid", "uid",
                                                         "vuid", "gid",  "vgid"};

/// Reads one file; each function one kind of element, into the message that it becomes.
class SessionFileReader {
 public:
  explicit SessionFileReader(const std::string& file) : file_(file) {}

  Result<std::vector<SavedSession>> read(const XmlElement& root) const;

 private:
  [[nodiscard]] tl::unexpected<Error> wrong(const XmlElement& at, const std::string& why,
                                            Code code = Code::kInvalidArgument) const {
    return fail(code, file_ + ":" + std::to_string(at.line) + ": " + why);
  }
  [[nodiscard]] tl::unexpected<Error> misplaced(const XmlElement& at,
                                                const XmlElement& parent) const {
    return wrong(at, "<" + at.name + "> cannot stand in <" + parent.name + ">");
  }
  [[nodiscard]] tl::unexpected<Error> no_value(const XmlElement& at) const {
    return wrong(at, "\"" + at.text + "\" is no value of <" + at.name + ">");
  }

  Result<std::uint64_t> number(const XmlElement& element) const;
  Result<std::uint64_t> nanoseconds(const XmlElement& element) const;
  Result<bool> boolean(const XmlElement& element) const;

  Status read_session(const XmlElement& from, SavedSession* into) const;
  Status read_attributes(const XmlElement& from, v1::Session* session) const;
  Status read_rotation(const XmlElement& from, v1::Session* session) const;
  Status read_output(const XmlElement& from, SavedSession* into) const;
  Status read_snapshot_output(const XmlElement& from, SavedSession* into) const;
  Result<std::string> read_destination(const XmlElement& from, SavedSession* into) const;
  Status read_domain(const XmlElement& from, v1::Session* session) const;
  Status read_trackers(const XmlElement& from, v1::SessionDomain* domain) const;
  Status read_old_trackers(const XmlElement& from, v1::SessionDomain* domain) const;
  Status read_channel(const XmlElement& from, v1::Domain domain, v1::SessionChannel* channel) const;
  Result<bool> read_option(const XmlElement& from, v1::ChannelRequest* options) const;
  Result<bool> read_reclaim_policy(const XmlElement& from, v1::ChannelRequest* options) const;
  Status read_rule(const XmlElement& from, v1::Domain domain, v1::SessionRule* entry) const;
  Result<v1::RecordingRule::Kind> kind_of(const XmlElement& type, v1::Domain domain) const;
  Status read_place(const XmlElement& from, v1::RecordingRule* rule) const;
  Result<std::string> read_context(const XmlElement& from) const;

  const std::string& file_;
};

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

const XmlElement* child(const XmlElement& parent, std::string_view name) {
  const auto found = std::find_if(parent.children.begin(), parent.children.end(),
                                  [name](const XmlElement& each) { return each.name == name; });
  return found == parent.children.end() ? nullptr : &*found;
}

std::string child_text(const XmlElement& parent, std::string_view name) {
  const XmlElement* const found = child(parent, name);
  return found == nullptr ? std::string() : found->text;
}

Result<std::uint64_t> SessionFileReader::number(const XmlElement& element) const {
  const std::string_view text = trimmed(element.text);
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return no_value(element);
  return value;
}

Result<std::uint64_t> SessionFileReader::nanoseconds(const XmlElement& element) const {
  auto microseconds = number(element);
  if (!microseconds) return microseconds;
  if (*microseconds > kForEver / kMicrosecond) return no_value(element);
  return *microseconds * kMicrosecond;
}

Result<bool> SessionFileReader::boolean(const XmlElement& element) const {
  const std::string_view text = trimmed(element.text);
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  return no_value(element);
}

Result<std::vector<SavedSession>> SessionFileReader::read(const XmlElement& root) const {
  if (root.name != "sessions")
    return wrong(root, "<" + root.name + "> where a file of sessions has <sessions>");
  std::vector<SavedSession> sessions;
  for (const XmlElement& element : root.children) {
    if (element.name == "triggers" || element.name == "trigger")
      return wrong(
          element,
          "triggers are not carried out: take them out, or save the sessions with --no-triggers",
          Code::kUnsupported);
    if (element.name != "session") return misplaced(element, root);
    SILLAGE_TRY(read_session(element, &sessions.emplace_back()));
  }
  if (sessions.empty()) return wrong(root, "there is no session in it");
  return sessions;
}

Status SessionFileReader::read_session(const XmlElement& from, SavedSession* into) const {
  v1::Session* const session = &into->session;
  session->set_trace_format("ctf-1.8");
  bool has_output = false;
  for (const XmlElement& element : from.children) {
    if (element.name == "name") {
      session->set_name(element.text);
    } else if (element.name == "trace_format") {
      const std::string_view format = trimmed(element.text);
      if (format != "CTF_1_8" && format != "CTF_2") return no_value(element);
      session->set_trace_format(format == "CTF_2" ? "ctf-2" : "ctf-1.8");
    } else if (element.name == "domains") {
      for (const XmlElement& domain : element.children) {
        if (domain.name != "domain") return misplaced(domain, element);
        SILLAGE_TRY(read_domain(domain, session));
      }
    } else if (element.name == "started") {
      const auto is_started = boolean(element);
      if (!is_started) return tl::unexpected<Error>(is_started.error());
      if (*is_started) session->set_state(v1::Session::STARTED);
    } else if (element.name == "attributes") {
      SILLAGE_TRY(read_attributes(element, session));
    } else if (element.name == "output") {
      has_output = true;
      SILLAGE_TRY(read_output(element, into));
    } else if (element.name == "shared_memory_path") {
      session->set_buffers_path(element.text);
    } else {
      return misplaced(element, from);
    }
  }
  if (session->name().empty()) return wrong(from, "a session without a name");
  if (!has_output && session->mode() == v1::CreateSessionRequest::LOCAL)
    session->set_mode(v1::CreateSessionRequest::NO_OUTPUT);
  return {};
}

Status SessionFileReader::read_attributes(const XmlElement& from, v1::Session* session) const {
  for (const XmlElement& element : from.children) {
    if (element.name == "snapshot_mode") {
      const auto is_snapshot = boolean(element);
      if (!is_snapshot) return tl::unexpected<Error>(is_snapshot.error());
      if (*is_snapshot) session->set_mode(v1::CreateSessionRequest::SNAPSHOT);
    } else if (element.name == "live_timer_interval") {
      const auto interval = number(element);
      if (!interval) return tl::unexpected<Error>(interval.error());
      if (*interval != 0)
        return wrong(element, "live sessions are not carried out: record locally",
                     Code::kUnsupported);
    } else if (element.name == "rotation_schedules") {
      SILLAGE_TRY(read_rotation(element, session));
    } else {
      return misplaced(element, from);
    }
  }
  return {};
}

Status SessionFileReader::read_rotation(const XmlElement& from, v1::Session* session) const {
  for (const XmlElement& schedule : from.children) {
    const bool is_periodic = schedule.name == "periodic";
    if (!is_periodic && schedule.name != "size_threshold") return misplaced(schedule, from);
    const XmlElement* const value = child(schedule, is_periodic ? "time_us" : "bytes");
    if (value == nullptr) continue;  // LTTng's schema allows it, and it says nothing
    const auto amount = is_periodic ? nanoseconds(*value) : number(*value);
    if (!amount) return tl::unexpected<Error>(amount.error());
    if (is_periodic) {
      session->set_rotation_period_ns(*amount);
    } else {
      session->set_rotation_bytes(*amount);
    }
  }
  return {};
}

Status SessionFileReader::read_output(const XmlElement& from, SavedSession* into) const {
  for (const XmlElement& element : from.children) {
    if (element.name == "consumer_output") {
      auto path = read_destination(element, into);
      if (!path) return tl::unexpected<Error>(std::move(path).error());
      into->session.set_path(*std::move(path));
      if (into->session.path().empty() && into->output_problem.empty())
        into->session.set_mode(v1::CreateSessionRequest::NO_OUTPUT);
    } else if (element.name == "snapshot_outputs") {
      into->session.set_mode(v1::CreateSessionRequest::SNAPSHOT);
      for (const XmlElement& output : element.children) {
        if (output.name != "output") return misplaced(output, element);
        SILLAGE_TRY(read_snapshot_output(output, into));
      }
    } else {
      return misplaced(element, from);
    }
  }
  return {};
}

Status SessionFileReader::read_snapshot_output(const XmlElement& from, SavedSession* into) const {
  v1::SnapshotOutput* const output = into->session.add_snapshot_outputs();
  output->set_id(static_cast<std::uint32_t>(into->session.snapshot_outputs_size()));
  for (const XmlElement& element : from.children) {
    if (element.name == "name") {
      output->set_name(element.text);
    } else if (element.name == "max_size") {
      const auto bytes = number(element);
      if (!bytes) return tl::unexpected<Error>(bytes.error());
      output->set_max_bytes(*bytes);
    } else if (element.name == "consumer_output") {
      auto path = read_destination(element, into);
      if (!path) return tl::unexpected<Error>(std::move(path).error());
      output->set_path(*std::move(path));
    } else {
      return misplaced(element, from);
    }
  }
  // A snapshot session is where its first snapshots go.
  if (into->session.path().empty()) into->session.set_path(output->path());
  return {};
}

/// Returns the path, "" if there is none.
Result<std::string> SessionFileReader::read_destination(const XmlElement& from,
                                                        SavedSession* into) const {
  std::string path;
  for (const XmlElement& element : from.children) {
    if (element.name == "enabled") {
      if (const auto is_enabled = boolean(element); !is_enabled)
        return tl::unexpected<Error>(is_enabled.error());
    } else if (element.name == "destination") {
      for (const XmlElement& kind : element.children) {
        if (kind.name == "path") {
          path = kind.text;
        } else if (kind.name == "net_output") {
          into->output_problem = file_ + ":" + std::to_string(kind.line) +
                                 ": traces are not sent over the network: give a directory with "
                                 "--override-url";
        } else {
          return misplaced(kind, element);
        }
      }
    } else {
      return misplaced(element, from);
    }
  }
  return path;
}

Status SessionFileReader::read_domain(const XmlElement& from, v1::Session* session) const {
  const std::string type(trimmed(child_text(from, "type")));
  const bool is_user = type == "UST", is_kernel = type == "KERNEL";
  const XmlElement* const channels = child(from, "channels");
  if (!is_user && !is_kernel) {
    // LTTng writes the domains of loggers into every file.
    if (type != "JUL" && type != "LOG4J" && type != "LOG4J2" && type != "PYTHON")
      return wrong(from, "there is no domain \"" + type + "\"");
    if (channels == nullptr || channels->children.empty()) return {};
    return wrong(from, "loggers are not traced: take the domain " + type + " out",
                 Code::kUnsupported);
  }
  const v1::Domain which = is_user ? v1::USER : v1::KERNEL;
  // A second one of a type has the channels whose buffers are shared in another way.
  v1::SessionDomain* domain = nullptr;
  for (v1::SessionDomain& each : *session->mutable_domains())
    if (each.domain() == which) domain = &each;
  if (domain == nullptr) domain = session->add_domains();
  domain->set_domain(which);
  const bool per_process = trimmed(child_text(from, "buffer_type")) == "PER_PID";
  for (const XmlElement& element : from.children) {
    if (element.name == "channels") {
      for (const XmlElement& each : element.children) {
        if (each.name != "channel") return misplaced(each, element);
        v1::SessionChannel* const channel = domain->add_channels();
        SILLAGE_TRY(read_channel(each, which, channel));
        if (is_user) channel->mutable_options()->set_per_process(per_process);
      }
    } else if (element.name == "process_attr_trackers") {
      SILLAGE_TRY(read_trackers(element, domain));
    } else if (element.name == "trackers") {
      SILLAGE_TRY(read_old_trackers(element, domain));
    } else if (element.name != "type" && element.name != "buffer_type") {
      return misplaced(element, from);
    }
  }
  return {};
}

Status SessionFileReader::read_trackers(const XmlElement& from, v1::SessionDomain* domain) const {
  constexpr std::string_view kSuffix = "_process_attr_tracker";
  for (const XmlElement& tracker : from.children) {
    const std::string name = tracker.name.substr(0, tracker.name.rfind(kSuffix));
    const auto attribute = std::find(kAttributes.begin(), kAttributes.end(), name);
    if (attribute == kAttributes.end()) return misplaced(tracker, from);
    v1::InclusionSet* const set = domain->add_inclusion_sets();
    set->set_attribute(static_cast<v1::ProcessAttribute>(attribute - kAttributes.begin()));
    const XmlElement* const values = child(tracker, "process_attr_values");
    if (values == nullptr) return wrong(tracker, "<" + tracker.name + "> without its values");
    for (const XmlElement& each : values->children) {
      if (each.name != name) return misplaced(each, *values);
      const XmlElement* const id = child(each, "id");
      if (id == nullptr) {
        if (child_text(each, "name").empty()) return wrong(each, "neither an <id> nor a <name>");
        set->add_values()->set_name(child_text(each, "name"));
        continue;
      }
      const auto value = number(*id);
      if (!value) return tl::unexpected<Error>(value.error());
      if (*value > std::numeric_limits<std::uint32_t>::max()) return no_value(*id);
      set->add_values()->set_number(static_cast<std::uint32_t>(*value));
    }
  }
  return {};
}

// As LTTng up to 2.11: lists of pids alone, of processes as they see themselves in user space.
Status SessionFileReader::read_old_trackers(const XmlElement& from,
                                            v1::SessionDomain* domain) const {
  for (const XmlElement& tracker : from.children) {
    const XmlElement* const targets = child(tracker, "targets");
    if (tracker.name != "pid_tracker" || targets == nullptr) return misplaced(tracker, from);
    v1::InclusionSet* const set = domain->add_inclusion_sets();
    set->set_attribute(domain->domain() == v1::USER ? v1::VPID : v1::PID);
    for (const XmlElement& target : targets->children) {
      const XmlElement* const pid = child(target, "pid");
      if (pid == nullptr) return wrong(target, "<" + target.name + "> without a <pid>");
      const auto value = number(*pid);
      if (!value) return tl::unexpected<Error>(value.error());
      if (*value > std::numeric_limits<std::uint32_t>::max()) return no_value(*pid);
      set->add_values()->set_number(static_cast<std::uint32_t>(*value));
    }
  }
  return {};
}

Status SessionFileReader::read_channel(const XmlElement& from, v1::Domain domain,
                                       v1::SessionChannel* channel) const {
  channel->set_is_enabled(true);
  for (const XmlElement& element : from.children) {
    if (element.name == "enabled") {
      const auto is_enabled = boolean(element);
      if (!is_enabled) return tl::unexpected<Error>(is_enabled.error());
      channel->set_is_enabled(*is_enabled);
    } else if (element.name == "events") {
      for (const XmlElement& event : element.children) {
        if (event.name != "event") return misplaced(event, element);
        SILLAGE_TRY(read_rule(event, domain, channel->add_rules()));
      }
    } else if (element.name == "contexts") {
      for (const XmlElement& each : element.children) {
        if (each.name != "context") return misplaced(each, element);
        auto context = read_context(each);
        if (!context) return tl::unexpected<Error>(std::move(context).error());
        channel->add_contexts(*std::move(context));
      }
    } else {
      const auto is_known = read_option(element, channel->mutable_options());
      if (!is_known) return tl::unexpected<Error>(is_known.error());
      if (!*is_known) return misplaced(element, from);
    }
  }
  if (channel->options().name().empty()) return wrong(from, "a channel without a name");
  return {};
}

/// Returns whether it is an option of a channel.
Result<bool> SessionFileReader::read_option(const XmlElement& from,
                                            v1::ChannelRequest* options) const {
  const std::string_view text = trimmed(from.text);
  const auto choose = [&](std::string_view no, std::string_view yes, auto set) -> Result<bool> {
    if (text != no && text != yes) return no_value(from);
    set(text == yes);
    return true;
  };
  const auto count = [&](auto set) -> Result<bool> {
    const auto value = number(from);
    if (!value) return tl::unexpected<Error>(value.error());
    set(*value);
    return true;
  };
  const auto time = [&](auto set) -> Result<bool> {
    const auto value = nanoseconds(from);
    if (!value) return tl::unexpected<Error>(value.error());
    set(*value);
    return true;
  };
  if (from.name == "name") {
    options->set_name(from.text);
    return true;
  }
  if (from.name == "overwrite_mode")
    return choose("DISCARD", "OVERWRITE", [&](bool yes) { options->set_overwrite(yes); });
  if (from.name == "allocation_policy")
    return choose("PER_CPU", "PER_CHANNEL", [&](bool yes) { options->set_one_buffer(yes); });
  if (from.name == "preallocation_policy")
    return choose("PREALLOCATE", "ON_DEMAND", [&](bool yes) { options->set_on_demand(yes); });
  if (from.name == "output_type")
    return choose("SPLICE", "MMAP", [&](bool yes) { options->set_is_mapped(yes); });
  if (from.name == "subbuffer_size")
    return count([&](std::uint64_t value) { options->set_subbuf_bytes(value); });
  if (from.name == "subbuffer_count")
    return count([&](std::uint64_t value) { options->set_subbuf_count(value); });
  if (from.name == "tracefile_size")
    return count([&](std::uint64_t value) { options->set_tracefile_bytes(value); });
  if (from.name == "tracefile_count")
    return count([&](std::uint64_t value) { options->set_tracefile_count(value); });
  if (from.name == "switch_timer_interval")
    return time([&](std::uint64_t value) { options->set_switch_timer_ns(value); });
  if (from.name == "read_timer_interval")
    return time([&](std::uint64_t value) { options->set_read_timer_ns(value); });
  if (from.name == "monitor_timer_interval")
    return time([&](std::uint64_t value) { options->set_monitor_timer_ns(value); });
  if (from.name == "watchdog_timer_interval")
    return time([&](std::uint64_t value) { options->set_watchdog_timer_ns(value); });
  if (from.name == "blocking_timeout") {
    if (text == "-1") {
      options->set_blocking_timeout_ns(kForEver);
      return true;
    }
    return time([&](std::uint64_t value) { options->set_blocking_timeout_ns(value); });
  }
  if (from.name == "live_timer_interval") return count([](std::uint64_t) {});
  if (from.name == "reclaim_policy") return read_reclaim_policy(from, options);
  return false;
}

Result<bool> SessionFileReader::read_reclaim_policy(const XmlElement& from,
                                                    v1::ChannelRequest* options) const {
  for (const XmlElement& policy : from.children) {
    if (policy.name == "consumed") {
      options->set_reclaim_age_ns(0);
    } else if (policy.name == "periodic") {
      for (const XmlElement& each : policy.children) {
        if (each.name != "age_threshold") return misplaced(each, policy);
        const auto age = nanoseconds(each);
        if (!age) return tl::unexpected<Error>(age.error());
        options->set_reclaim_age_ns(*age);
      }
    } else {
      return misplaced(policy, from);
    }
  }
  return true;
}

Result<v1::RecordingRule::Kind> SessionFileReader::kind_of(const XmlElement& type,
                                                           v1::Domain domain) const {
  constexpr std::pair<std::string_view, v1::RecordingRule::Kind> kKinds[] = {
      {"SYSCALL", v1::RecordingRule::SYSCALL},
      {"PROBE", v1::RecordingRule::PROBE},
      {"KPROBE", v1::RecordingRule::PROBE},
      {"FUNCTION", v1::RecordingRule::FUNCTION},
      {"KRETPROBE", v1::RecordingRule::FUNCTION},
      {"USERSPACE_PROBE", v1::RecordingRule::USERSPACE_PROBE}};
  const std::string_view text = trimmed(type.text);
  if (text == "TRACEPOINT")
    return domain == v1::USER ? v1::RecordingRule::USER_TRACEPOINT
                              : v1::RecordingRule::KERNEL_TRACEPOINT;
  for (const auto& [name, kind] : kKinds)
    if (text == name && domain == v1::KERNEL) return kind;
  return no_value(type);
}

Status SessionFileReader::read_rule(const XmlElement& from, v1::Domain domain,
                                    v1::SessionRule* entry) const {
  v1::RecordingRule* const rule = entry->mutable_rule();
  rule->set_name("*");
  rule->set_kind(domain == v1::USER ? v1::RecordingRule::USER_TRACEPOINT
                                    : v1::RecordingRule::KERNEL_TRACEPOINT);
  entry->set_is_enabled(true);
  for (const XmlElement& element : from.children) {
    const std::string_view text = trimmed(element.text);
    if (element.name == "name") {
      rule->set_name(element.text);
    } else if (element.name == "enabled") {
      const auto is_enabled = boolean(element);
      if (!is_enabled) return tl::unexpected<Error>(is_enabled.error());
      entry->set_is_enabled(*is_enabled);
    } else if (element.name == "type") {
      const auto kind = kind_of(element, domain);
      if (!kind) return tl::unexpected<Error>(kind.error());
      rule->set_kind(*kind);
    } else if (element.name == "loglevel_type") {
      if (text != "ALL" && text != "RANGE" && text != "SINGLE") return no_value(element);
      if (text == "RANGE") rule->set_level_kind(v1::EventRule::AT_LEAST_AS_SEVERE);
      if (text == "SINGLE") rule->set_level_kind(v1::EventRule::ONLY);
    } else if (element.name == "loglevel") {
      if (text == "-1") continue;  // LTTng's for none
      const auto level = number(element);
      if (!level) return tl::unexpected<Error>(level.error());
      if (*level > std::numeric_limits<std::uint32_t>::max()) return no_value(element);
      rule->set_level(static_cast<std::uint32_t>(*level));
    } else if (element.name == "filter") {
      rule->set_filter(element.text);
    } else if (element.name == "exclusions") {
      for (const XmlElement& exclusion : element.children) {
        if (exclusion.name != "exclusion") return misplaced(exclusion, element);
        rule->add_exclusions(exclusion.text);
      }
    } else if (element.name == "attributes") {
      SILLAGE_TRY(read_place(element, rule));
    } else {
      return misplaced(element, from);
    }
  }
  if (rule->level_kind() == v1::EventRule::ANY) rule->set_level(0);
  return {};
}

Status SessionFileReader::read_place(const XmlElement& from, v1::RecordingRule* rule) const {
  for (const XmlElement& kind : from.children) {
    if (kind.name == "probe_attributes" || kind.name == "function_attributes") {
      std::string place = child_text(kind, "symbol_name");
      const XmlElement* const where = child(kind, place.empty() ? "address" : "offset");
      if (where != nullptr) {
        const auto value = number(*where);
        if (!value) return tl::unexpected<Error>(value.error());
        char digits[17];
        const auto end = std::to_chars(digits, digits + sizeof digits, *value, 16);
        const std::string hex = "0x" + std::string(digits, end.ptr);
        if (place.empty()) {
          place = hex;
        } else if (*value != 0) {
          place += "+" + hex;
        }
      }
      // LTTng's of a function's entry has the name alone.
      rule->set_place(place.empty() ? child_text(kind, "name") : place);
    } else if (kind.name == "userspace_probe_function_attributes") {
      const bool is_elf = trimmed(child_text(kind, "lookup_method")) == "ELF";
      rule->set_place((is_elf ? "elf:" : "") + child_text(kind, "binary_path") + ":" +
                      child_text(kind, "function_name"));
    } else if (kind.name == "userspace_probe_tracepoint_attributes") {
      rule->set_place("sdt:" + child_text(kind, "binary_path") + ":" +
                      child_text(kind, "provider_name") + ":" + child_text(kind, "probe_name"));
    } else {
      return misplaced(kind, from);
    }
  }
  return {};
}

Result<std::string> SessionFileReader::read_context(const XmlElement& from) const {
  if (const XmlElement* const type = child(from, "type")) {
    if (trimmed(type->text).empty()) return no_value(*type);
    return context_of_type(trimmed(type->text));
  }
  if (const XmlElement* const app = child(from, "app"))
    return "$app." + child_text(*app, "provider_name") + ":" + child_text(*app, "ctx_name");
  const XmlElement* const perf = child(from, "perf");
  const XmlElement* const type = perf == nullptr ? nullptr : child(*perf, "type");
  const XmlElement* const config = perf == nullptr ? nullptr : child(*perf, "config");
  if (type == nullptr || config == nullptr)
    return wrong(from, "a context that is neither <type> nor <app> nor a whole <perf>");
  const auto type_number = number(*type), config_number = number(*config);
  if (!type_number) return tl::unexpected<Error>(type_number.error());
  if (!config_number) return tl::unexpected<Error>(config_number.error());
  auto context =
      session::context_of_counter(child_text(*perf, "name"), *type_number, *config_number);
  if (!context) return wrong(*perf, context.error().message);
  return context;
}

}  // namespace

Result<std::vector<SavedSession>> read_session_file(std::string_view document,
                                                    const std::string& file) {
  const auto root = read_xml(document, file);
  if (!root) return tl::unexpected<Error>(root.error());
  return SessionFileReader(file).read(*root);
}

}  // namespace sillage::lttng
