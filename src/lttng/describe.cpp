// SPDX-License-Identifier: MIT
#include "lttng/describe.hpp"

#include "lttng/agent_domains.hpp"
#include "session/log_level.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <limits>
#include <string_view>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

constexpr std::uint64_t kForEver = std::numeric_limits<std::uint64_t>::max();

struct AttributeWords {
  const char* shown;    // in texts
  const char* element;  // in XML
};

AttributeWords words_of(v1::ProcessAttribute attribute) {
  switch (attribute) {
    case v1::PID: return {"Process IDs:          ", "pid"};
    case v1::VPID: return {"Virtual process IDs:  ", "vpid"};
    case v1::UID: return {"User IDs:             ", "uid"};
    case v1::VUID: return {"Virtual user IDs:     ", "vuid"};
    case v1::GID: return {"Group IDs:            ", "gid"};
    default: return {"Virtual group IDs:    ", "vgid"};
  }
}

std::string level_name(std::uint32_t level) {
  return "TRACE_" + std::string(session::log_level_name(static_cast<std::uint8_t>(level)));
}

std::string microseconds(std::uint64_t ns) {
  return ns == 0 ? "inactive" : std::to_string(ns / 1000) + " us";
}

std::string state_text(const v1::Session& session) {
  std::string text = session.state() == v1::Session::STARTED ? "active" : "inactive";
  if (session.mode() == v1::CreateSessionRequest::SNAPSHOT) text += " snapshot";
  return text;
}

bool is_per_process(const v1::SessionDomain& domain) {
  return !domain.channels().empty() &&
         std::all_of(domain.channels().begin(), domain.channels().end(),
                     [](const auto& channel) { return channel.options().per_process(); });
}

std::string values_text(const v1::SessionDomain& domain, v1::ProcessAttribute attribute) {
  for (const v1::InclusionSet& set : domain.inclusion_sets()) {
    if (set.attribute() != attribute) continue;
    std::string text;
    for (const v1::ProcessValue& value : set.values())
      text += (text.empty() ? "" : ", ") +
              (value.name().empty() ? std::to_string(value.number()) : "`" + value.name() + "`");
    return text.empty() ? "none" : text;
  }
  return "all";
}

std::string type_text(v1::RecordingRule::Kind kind) {
  switch (kind) {
    case v1::RecordingRule::SYSCALL: return "syscall";
    case v1::RecordingRule::FUNCTION: return "function";
    case v1::RecordingRule::PROBE: return "probe";
    case v1::RecordingRule::USERSPACE_PROBE: return "userspace-probe";
    default: return "tracepoint";
  }
}

std::string rule_text(const v1::SessionRule& entry) {
  const v1::RecordingRule& rule = entry.rule();
  std::string text = "      " + rule.name();
  if (rule.level_kind() != v1::EventRule::ANY)
    text += " (loglevel " + std::string(rule.level_kind() == v1::EventRule::ONLY ? "==" : "<=") +
            " " + level_text(rule.level()) + ")";
  text += " (type: " + type_text(rule.kind()) + ")";
  text += entry.is_enabled() ? " [enabled]" : " [disabled]";
  if (!rule.filter().empty()) text += " [with filter]";
  if (!rule.exclusions().empty()) {
    text += " [has exclusions:";
    for (const std::string& exclusion : rule.exclusions()) text += " \"" + exclusion + "\"";
    text += "]";
  }
  return text + "\n" + (rule.place().empty() ? "" : "        Location: " + rule.place() + "\n");
}

std::string channel_text(const v1::SessionChannel& channel, v1::Domain domain,
                         v1::CreateSessionRequest::Mode mode, MemoryShown memory) {
  const v1::ChannelRequest& options = channel.options();
  const auto line = [](const char* name, const std::string& value) {
    return "      " + std::string(name) + value + "\n";
  };
  std::string text =
      "- " + options.name() + (channel.is_enabled() ? ": [enabled]" : ": [disabled]");
  text += "\n\n    Attributes:\n";
  text += line("Event-loss mode:  ", options.overwrite() ? "overwrite" : "discard");
  text += line("Sub-buffer size:  ", std::to_string(options.subbuf_bytes()) + " bytes");
  text += line("Sub-buffer count: ", std::to_string(options.subbuf_count()));
  text += line("Switch timer:     ", microseconds(options.switch_timer_ns()));
  text += line("Read timer:       ", microseconds(options.read_timer_ns()));
  text += line("Monitor timer:    ", microseconds(options.monitor_timer_ns()));
  if (domain == v1::USER && !options.overwrite())
    text += line("Blocking timeout: ",
                 options.blocking_timeout_ns() == kForEver
                     ? "infinite"
                     : std::to_string(options.blocking_timeout_ns() / 1000) + " us");
  text +=
      line("Trace file count: ",
           std::to_string(std::max<std::uint64_t>(options.tracefile_count(), 1)) + " per stream");
  text += line("Trace file size:  ", options.tracefile_bytes() == 0
                                         ? "unlimited"
                                         : std::to_string(options.tracefile_bytes()) + " bytes");
  if (options.has_reclaim_age_ns())
    text +=
        line("Memory reclaimed: ", options.reclaim_age_ns() == 0
                                       ? "when consumed"
                                       : "older than " + microseconds(options.reclaim_age_ns()));
  text += line("Output mode:      ", options.is_mapped() ? "mmap" : "splice");
  text += "\n    Statistics:\n";
  if (mode != v1::CreateSessionRequest::LOCAL) {
    text += "      None\n";
  } else if (options.overwrite()) {
    text += line("Lost packets:     ", std::to_string(channel.lost_packets()));
  } else {
    text += line("Discarded events: ", std::to_string(channel.discarded_events()));
  }
  text += memory_text(channel, memory);
  if (!channel.contexts().empty()) {
    text += "\n    Context fields:\n";
    for (const std::string& context : channel.contexts()) text += "      " + context + "\n";
  }
  text += "\n    Recording event rules:\n";
  std::string rules;
  for (const v1::SessionRule& entry : channel.rules())
    if (agent_of(channel, entry) == nullptr) rules += rule_text(entry);
  return text + (rules.empty() ? "      None\n" : rules) + "\n";
}

/// Where all of it goes; snapshots are asked for.
std::string output_text(const v1::Session& session) {
  const bool has_output =
      session.mode() == v1::CreateSessionRequest::LOCAL && !session.path().empty();
  return has_output ? "    Trace output: " + session.path() + "\n" : "";
}

std::string rotation_text(const v1::Session& session) {
  std::string text;
  if (session.rotation_period_ns() != 0)
    text += "    timer period: " + microseconds(session.rotation_period_ns()) + "\n";
  if (session.rotation_bytes() != 0)
    text += "    size threshold: " + std::to_string(session.rotation_bytes()) + " bytes\n";
  return text.empty() ? text : "Automatic rotation schedules:\n" + text + "\n";
}

std::string domain_head(const v1::SessionDomain& domain) {
  const bool is_user = domain.domain() == v1::USER;
  std::string text =
      std::string("=== Domain: ") + (is_user ? "User space" : "Linux kernel") + " ===\n\n";
  if (is_user)
    text += std::string("Buffering scheme: ") +
            (is_per_process(domain) ? "per-process" : "per-user") + "\n\n";
  text += "Tracked process attributes\n";
  for (const v1::ProcessAttribute attribute :
       {v1::PID, v1::VPID, v1::UID, v1::VUID, v1::GID, v1::VGID}) {
    const bool is_virtual = attribute == v1::VPID || attribute == v1::VUID || attribute == v1::VGID;
    if (is_user && !is_virtual) continue;
    text += std::string("  ") + words_of(attribute).shown + values_text(domain, attribute) + "\n";
  }
  return text + "\n";
}

const char* event_type(v1::RecordingRule::Kind kind) {
  switch (kind) {
    case v1::RecordingRule::SYSCALL: return "SYSCALL";
    case v1::RecordingRule::FUNCTION: return "FUNCTION";
    case v1::RecordingRule::PROBE: return "PROBE";
    case v1::RecordingRule::USERSPACE_PROBE: return "USERSPACE_PROBE";
    default: return "TRACEPOINT";
  }
}

void write_attributes(const v1::SessionChannel& channel, MiDocument* document) {
  const v1::ChannelRequest& options = channel.options();
  document->open("attributes");
  document->text("overwrite_mode", options.overwrite() ? "OVERWRITE" : "DISCARD");
  document->number("subbuffer_size", options.subbuf_bytes());
  document->number("subbuffer_count", options.subbuf_count());
  document->number("switch_timer_interval", options.switch_timer_ns() / 1000);
  document->number("read_timer_interval", options.read_timer_ns() / 1000);
  document->number("monitor_timer_interval", options.monitor_timer_ns() / 1000);
  if (options.blocking_timeout_ns() == kForEver) {
    document->text("blocking_timeout", "-1");
  } else {
    document->number("blocking_timeout", options.blocking_timeout_ns() / 1000);
  }
  document->text("output_type", options.is_mapped() ? "MMAP" : "SPLICE");
  document->number("tracefile_size", options.tracefile_bytes());
  document->number("tracefile_count", options.tracefile_count());
  document->number("live_timer_interval", 0);
  document->number("watchdog_timer_interval", options.watchdog_timer_ns() / 1000);
  document->text("allocation_policy", options.one_buffer() ? "PER_CHANNEL" : "PER_CPU");
  document->text("preallocation_policy", options.on_demand() ? "ON_DEMAND" : "PREALLOCATE");
  write_reclaim_policy(options, document);
  document->number("discarded_events", channel.discarded_events());
  document->number("lost_packets", channel.lost_packets());
  document->close();
}

void write_trackers(const v1::SessionDomain& domain, MiDocument* document) {
  document->open("process_attr_trackers");
  for (const v1::InclusionSet& set : domain.inclusion_sets()) {
    const std::string element = words_of(set.attribute()).element;
    document->open(element + "_process_attr_tracker");
    document->open("process_attr_values");
    for (const v1::ProcessValue& value : set.values()) {
      document->open(element);
      document->open("type");
      if (value.name().empty()) {
        document->number("id", value.number());
      } else {
        document->text("name", value.name());
      }
      document->close();
      document->close();
    }
    document->close();
    document->close();
  }
  document->close();
}

void write_domain(const v1::SessionDomain& domain, const Shown& shown, MiDocument* document) {
  document->open("domain");
  document->text("type", domain.domain() == v1::USER ? "UST" : "KERNEL");
  document->text("buffer_type", domain.domain() == v1::KERNEL ? "GLOBAL"
                                : is_per_process(domain)      ? "PER_PID"
                                                              : "PER_UID");
  if (!shown.only_domains) {
    write_trackers(domain, document);
    document->open("channels");
    for (const v1::SessionChannel& channel : domain.channels()) {
      if (!shown.channel.empty() && channel.options().name() != shown.channel) continue;
      open_channel(channel, document);
      document->open("events");
      for (const v1::SessionRule& entry : channel.rules()) {
        if (agent_of(channel, entry) != nullptr) continue;
        open_rule(entry.rule(), entry.is_enabled(), document);
        document->close();
      }
      document->close();
      if (domain.domain() == v1::USER) write_memory(channel, document);
      document->close();
    }
    document->close();
  }
  document->close();
}

bool are_all_shown(const Shown& shown) {
  return !shown.only_kernel && !shown.only_user && shown.only_agent == nullptr;
}

bool is_shown(const v1::SessionDomain& domain, const Shown& shown) {
  return are_all_shown(shown) ||
         (domain.domain() == v1::USER ? shown.only_user : shown.only_kernel);
}

/// Their rules are those of programs' channels.
bool are_agents_shown(const Shown& shown) {
  return shown.channel.empty() &&
         (are_all_shown(shown) || shown.only_user || shown.only_agent != nullptr);
}

}  // namespace

std::string level_text(std::uint32_t level) {
  return level_name(level) + " (" + std::to_string(level) + ")";
}

std::string sessions_text(const v1::ListSessionsResponse& list) {
  if (list.sessions().empty()) return "Currently no available recording session\n";
  std::string text = "Available recording sessions:\n";
  int number = 0;
  for (const v1::Session& session : list.sessions()) {
    text += "  " + std::to_string(++number) + ") " + session.name() + " [" + state_text(session) +
            "]\n";
    text += output_text(session);
    text += "\n";
  }
  return text + "\nUse lttng list <session_name> for more details\n";
}

std::string session_text(const v1::Session& session, const Shown& shown) {
  std::string text = "Recording session " + session.name() + ": [" + state_text(session) + "]\n";
  text += output_text(session);
  text += "\n";
  if (shown.only_domains) {
    text += "Domains:\n-------------\n";
    for (const v1::SessionDomain& domain : session.domains())
      text += domain.domain() == v1::USER ? "  - User space\n" : "  - Kernel\n";
    return text + agent_domain_names(session);
  }
  text += rotation_text(session);
  for (const v1::SessionDomain& domain : session.domains()) {
    if (!is_shown(domain, shown)) continue;
    text += domain_head(domain) + "Channels:\n-------------\n";
    for (const v1::SessionChannel& channel : domain.channels())
      if (shown.channel.empty() || channel.options().name() == shown.channel)
        text += channel_text(channel, domain.domain(), session.mode(), shown.memory);
  }
  if (are_agents_shown(shown)) text += agent_domains_text(session, shown.only_agent);
  return text;
}

std::string programs_text(const v1::ListResponse& list, bool with_fields) {
  std::string text = "UST events:\n-------------\n";
  if (list.programs().empty()) text += "None\n";
  for (const v1::Program& program : list.programs()) {
    text += "\nPID: " + std::to_string(program.pid()) + " - Name: " + program.name() + "\n";
    for (const v1::Event& event : program.events()) {
      text += "      " + event.name() + " (loglevel: " + level_text(event.log_level()) +
              ") (type: tracepoint)\n";
      if (!with_fields) continue;
      for (const v1::Field& field : event.fields())
        text += "        field: " + field.name() + " (" + field.type() + ")\n";
    }
  }
  return text + "\n";
}

std::string kernel_events_text(const std::vector<KernelEvent>& events, bool are_system_calls) {
  std::string text =
      std::string(are_system_calls ? "System calls:" : "Kernel events:") + "\n-------------\n";
  for (const KernelEvent& event : events) {
    // As LTTng 2.13: a level that the kernel's tracepoints have not.
    text += "      " + event.name +
            (!are_system_calls  ? " (loglevel: TRACE_EMERG (0)) (type: tracepoint)\n"
             : event.has_32_bit ? " [32/64-bit]\n"
                                : " [64-bit]\n");
    for (const auto& [name, type] : event.fields)
      text.append("        field: ").append(name).append(" (").append(type).append(")\n");
  }
  return text + "\n";
}

void write_session(const v1::Session& session, const Shown* shown, MiDocument* document) {
  document->open("session");
  document->text("name", session.name());
  document->text("path", session.path());
  document->boolean("enabled", session.state() == v1::Session::STARTED);
  document->number("snapshot_mode", session.mode() == v1::CreateSessionRequest::SNAPSHOT ? 1 : 0);
  document->number("live_timer_interval", 0);
  document->text("trace_format", session.trace_format() == "ctf-2" ? "CTF_2" : "CTF_1_8");
  if (shown != nullptr) {
    document->open("domains");
    for (const v1::SessionDomain& domain : session.domains())
      if (is_shown(domain, *shown)) write_domain(domain, *shown, document);
    if (are_agents_shown(*shown))
      write_agent_domains(session, shown->only_agent, shown->only_domains, document);
    document->close();
  }
  document->close();
}

void write_reclaim_policy(const v1::ChannelRequest& options, XmlWriter* writer) {
  if (!options.has_reclaim_age_ns()) return;
  writer->open("reclaim_policy");
  if (options.reclaim_age_ns() == 0) {
    writer->empty("consumed");
  } else {
    writer->open("periodic");
    writer->number("age_threshold", options.reclaim_age_ns() / 1000);
    writer->close();
  }
  writer->close();
}

void open_channel(const v1::SessionChannel& channel, MiDocument* document) {
  document->open("channel");
  document->text("name", channel.options().name());
  document->boolean("enabled", channel.is_enabled());
  write_attributes(channel, document);
}

void write_kernel_place(const std::string& place, XmlWriter* writer) {
  const auto number = [](std::string_view text) {
    std::uint64_t value = 0;
    const bool is_hex = text.starts_with("0x");
    if (is_hex) text.remove_prefix(2);
    std::from_chars(text.data(), text.data() + text.size(), value, is_hex ? 16 : 10);
    return value;
  };
  writer->open("probe_attributes");
  if (place[0] >= '0' && place[0] <= '9') {
    writer->number("address", number(place));
  } else {
    const std::size_t plus = std::min(place.find('+'), place.size());
    writer->text("symbol_name", place.substr(0, plus));
    writer->number("offset", plus == place.size() ? 0 : number(place.substr(plus + 1)));
  }
  writer->close();
}

void open_rule(const v1::RecordingRule& rule, bool is_enabled, MiDocument* document) {
  document->open("event");
  document->text("name", rule.name());
  document->text("type", event_type(rule.kind()));
  document->boolean("enabled", is_enabled);
  if (rule.level_kind() != v1::EventRule::ANY) {
    document->text("loglevel", level_name(rule.level()));
    document->text("loglevel_type", rule.level_kind() == v1::EventRule::ONLY ? "SINGLE" : "RANGE");
  }
  if (!rule.filter().empty()) document->text("filter_expression", rule.filter());
  document->open("exclusions");
  for (const std::string& exclusion : rule.exclusions()) document->text("exclusion", exclusion);
  document->close();
  // As LTTng, whose schema has nothing for a place in a program.
  if (rule.place().empty() || rule.kind() == v1::RecordingRule::USERSPACE_PROBE) return;
  document->open("attributes");
  write_kernel_place(rule.place(), document);
  document->close();
}

namespace {

/// LTTng's word for the type of a field, of the listings' word for people.
const char* field_type(std::string_view type) {
  if (type == "string" || type.starts_with("text") || type.ends_with("char *")) return "STRING";
  if (type.ends_with(']') || type.ends_with('*') || type.starts_with("struct ")) return "OTHER";
  if (type == "float" || type == "double") return "FLOAT";
  return type.starts_with("enum") ? "ENUM" : "INTEGER";
}

void write_field(const std::string& name, const std::string& type, MiDocument* document) {
  document->open("event_field");
  document->text("name", name);
  document->text("type", field_type(type));
  document->number("nowrite", 0);
  document->close();
}

}  // namespace

void write_kernel_events(const std::vector<KernelEvent>& events, bool with_fields,
                         MiDocument* document) {
  document->open("domains");
  document->open("domain");
  document->text("type", "KERNEL");
  document->text("buffer_type", "GLOBAL");
  document->open("events");
  for (const KernelEvent& event : events) {
    document->open("event");
    document->text("name", event.name);
    document->text("type", event.is_system_call ? "SYSCALL" : "TRACEPOINT");
    document->boolean("enabled", false);
    if (with_fields) {
      document->open("event_fields");
      for (const auto& [name, type] : event.fields) write_field(name, type, document);
      document->close();
    }
    document->close();
  }
}

void write_programs(const v1::ListResponse& list, bool with_fields, MiDocument* document) {
  document->open("domains");
  document->open("domain");
  document->text("type", "UST");
  document->text("buffer_type", "PER_UID");
  document->open("pids");
  for (const v1::Program& program : list.programs()) {
    document->open("pid");
    document->number("id", static_cast<std::uint64_t>(program.pid()));
    document->text("name", program.name());
    document->open("events");
    for (const v1::Event& event : program.events()) {
      document->open("event");
      document->text("name", event.name());
      document->text("type", "TRACEPOINT");
      document->boolean("enabled", false);
      document->text("loglevel", level_name(event.log_level()));
      document->text("loglevel_type", "UNKNOWN");
      if (with_fields) {
        document->open("event_fields");
        for (const v1::Field& field : event.fields())
          write_field(field.name(), field.type(), document);
        document->close();
      }
      document->close();
    }
    document->close();
    document->close();
  }
}

}  // namespace sillage::lttng
