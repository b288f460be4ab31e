// SPDX-License-Identifier: MIT
#include "lttng/context_element.hpp"
#include "lttng/describe.hpp"
#include "lttng/session_file.hpp"
#include "lttng/xml_writer.hpp"

#include <algorithm>
#include <limits>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

constexpr std::uint64_t kForEver = std::numeric_limits<std::uint64_t>::max();
constexpr const char* kAttributes[] = {"pid", "vpid", "uid", "vuid", "gid", "vgid"};

const char* type_of(v1::RecordingRule::Kind kind) {
  switch (kind) {
    case v1::RecordingRule::SYSCALL: return "SYSCALL";
    case v1::RecordingRule::FUNCTION: return "FUNCTION";
    case v1::RecordingRule::PROBE: return "PROBE";
    case v1::RecordingRule::USERSPACE_PROBE: return "USERSPACE_PROBE";
    default: return "TRACEPOINT";
  }
}

/// PATH:SYMBOL, elf:PATH:SYMBOL or sdt:PATH:PROVIDER:NAME.
void write_program_place(std::string place, XmlWriter* writer) {
  const auto take_last = [&place] {
    const std::size_t colon = place.rfind(':');
    std::string last = place.substr(colon == std::string::npos ? 0 : colon + 1);
    place.resize(colon == std::string::npos ? 0 : colon);
    return last;
  };
  const bool is_sdt = place.starts_with("sdt:"), is_elf = place.starts_with("elf:");
  if (is_sdt || is_elf) place.erase(0, 4);
  const std::string name = take_last();
  writer->open(is_sdt ? "userspace_probe_tracepoint_attributes"
                      : "userspace_probe_function_attributes");
  writer->text("lookup_method", is_sdt ? "SDT" : is_elf ? "ELF" : "DEFAULT");
  if (is_sdt) {
    writer->text("provider_name", take_last());
    writer->text("probe_name", name);
  } else {
    writer->text("function_name", name);
  }
  writer->text("binary_path", place);
  writer->close();
}

void write_rule(const v1::SessionRule& entry, XmlWriter* writer) {
  const v1::RecordingRule& rule = entry.rule();
  writer->open("event");
  writer->text("name", rule.name());
  writer->boolean("enabled", entry.is_enabled());
  writer->text("type", type_of(rule.kind()));
  if (rule.kind() == v1::RecordingRule::USER_TRACEPOINT) {
    if (rule.level_kind() == v1::EventRule::ANY) {
      writer->text("loglevel_type", "ALL");
    } else {
      writer->text("loglevel_type", rule.level_kind() == v1::EventRule::ONLY ? "SINGLE" : "RANGE");
      writer->number("loglevel", rule.level());
    }
  }
  if (!rule.filter().empty()) writer->text("filter", rule.filter());
  if (!rule.exclusions().empty()) {
    writer->open("exclusions");
    for (const std::string& exclusion : rule.exclusions()) writer->text("exclusion", exclusion);
    writer->close();
  }
  if (!rule.place().empty()) {
    writer->open("attributes");
    if (rule.kind() == v1::RecordingRule::USERSPACE_PROBE) {
      write_program_place(rule.place(), writer);
    } else {
      write_kernel_place(rule.place(), writer);
    }
    writer->close();
  }
  writer->close();
}

void write_options(const v1::ChannelRequest& options, XmlWriter* writer) {
  writer->text("overwrite_mode", options.overwrite() ? "OVERWRITE" : "DISCARD");
  writer->number("subbuffer_size", options.subbuf_bytes());
  writer->number("subbuffer_count", options.subbuf_count());
  writer->number("switch_timer_interval", options.switch_timer_ns() / 1000);
  writer->number("read_timer_interval", options.read_timer_ns() / 1000);
  writer->text("output_type", options.is_mapped() ? "MMAP" : "SPLICE");
  if (options.blocking_timeout_ns() == kForEver) {
    writer->text("blocking_timeout", "-1");
  } else {
    writer->number("blocking_timeout", options.blocking_timeout_ns() / 1000);
  }
  writer->number("monitor_timer_interval", options.monitor_timer_ns() / 1000);
  writer->number("tracefile_size", options.tracefile_bytes());
  writer->number("tracefile_count", options.tracefile_count());
  writer->number("live_timer_interval", 0);
  if (options.watchdog_timer_ns() != 0)
    writer->number("watchdog_timer_interval", options.watchdog_timer_ns() / 1000);
  if (options.one_buffer()) writer->text("allocation_policy", "PER_CHANNEL");
  if (options.on_demand()) writer->text("preallocation_policy", "ON_DEMAND");
  write_reclaim_policy(options, writer);
}

void write_channel(const v1::SessionChannel& channel, XmlWriter* writer) {
  writer->open("channel");
  writer->text("name", channel.options().name());
  writer->boolean("enabled", channel.is_enabled());
  write_options(channel.options(), writer);
  writer->open("events");
  for (const v1::SessionRule& entry : channel.rules()) write_rule(entry, writer);
  writer->close();
  writer->open("contexts");
  for (const std::string& context : channel.contexts()) {
    writer->open("context");
    write_context(context, writer);
    writer->close();
  }
  writer->close();
  writer->close();
}

void write_trackers(const v1::SessionDomain& domain, XmlWriter* writer) {
  writer->open("process_attr_trackers");
  for (const v1::InclusionSet& set : domain.inclusion_sets()) {
    const std::string attribute = kAttributes[set.attribute()];
    writer->open(attribute + "_process_attr_tracker");
    writer->open("process_attr_values");
    for (const v1::ProcessValue& value : set.values()) {
      writer->open(attribute);
      if (value.name().empty()) {
        writer->number("id", value.number());
      } else {
        writer->text("name", value.name());
      }
      writer->close();
    }
    writer->close();
    writer->close();
  }
  writer->close();
}

/// A domain, which has one way of sharing buffers: channels of another way stand in a second one.
void write_domain(const v1::SessionDomain& domain, bool per_process, bool has_trackers,
                  XmlWriter* writer) {
  const bool is_user = domain.domain() == v1::USER;
  writer->open("domain");
  writer->text("type", is_user ? "UST" : "KERNEL");
  writer->text("buffer_type", !is_user ? "GLOBAL" : per_process ? "PER_PID" : "PER_UID");
  writer->open("channels");
  for (const v1::SessionChannel& channel : domain.channels())
    if (channel.options().per_process() == per_process) write_channel(channel, writer);
  writer->close();
  if (has_trackers) write_trackers(domain, writer);
  writer->close();
}

void write_domains(const v1::Session& session, XmlWriter* writer) {
  if (session.domains().empty()) return;
  writer->open("domains");
  for (const v1::SessionDomain& domain : session.domains()) {
    const auto count = [&domain](bool per_process) {
      return std::count_if(domain.channels().begin(), domain.channels().end(),
                           [per_process](const v1::SessionChannel& channel) {
                             return channel.options().per_process() == per_process;
                           });
    };
    const bool first = count(false) == 0 && count(true) != 0;
    write_domain(domain, first, true, writer);
    if (!first && count(true) != 0) write_domain(domain, true, false, writer);
  }
  writer->close();
}

void write_destination(const std::string& path, XmlWriter* writer) {
  writer->open("consumer_output");
  writer->boolean("enabled", true);
  writer->open("destination");
  writer->text("path", path);
  writer->close();
  writer->close();
}

void write_attributes(const v1::Session& session, XmlWriter* writer) {
  const bool is_snapshot = session.mode() == v1::CreateSessionRequest::SNAPSHOT;
  const std::uint64_t period_ns = session.rotation_period_ns(), bytes = session.rotation_bytes();
  if (!is_snapshot && period_ns == 0 && bytes == 0) return;
  writer->open("attributes");
  if (is_snapshot) writer->boolean("snapshot_mode", true);
  if (period_ns != 0 || bytes != 0) {
    writer->open("rotation_schedules");
    if (period_ns != 0) {
      writer->open("periodic");
      writer->number("time_us", period_ns / 1000);
      writer->close();
    }
    if (bytes != 0) {
      writer->open("size_threshold");
      writer->number("bytes", bytes);
      writer->close();
    }
    writer->close();
  }
  writer->close();
}

void write_output(const v1::Session& session, XmlWriter* writer) {
  writer->open("output");
  if (session.mode() == v1::CreateSessionRequest::SNAPSHOT) {
    writer->open("snapshot_outputs");
    for (const v1::SnapshotOutput& output : session.snapshot_outputs()) {
      writer->open("output");
      writer->text("name", output.name());
      writer->number("max_size", output.max_bytes());
      write_destination(output.path(), writer);
      writer->close();
    }
    writer->close();
  } else {
    // Without output the path is empty, as LTTng has it.
    write_destination(session.path(), writer);
  }
  writer->close();
}

}  // namespace

std::string write_session_file(const v1::Session& session) {
  XmlWriter writer(XmlWriter::Layout::kIndented);
  writer.open("sessions");
  writer.open("session");
  writer.text("name", session.name());
  if (session.trace_format() == "ctf-2") writer.text("trace_format", "CTF_2");
  if (!session.buffers_path().empty()) writer.text("shared_memory_path", session.buffers_path());
  write_domains(session, &writer);
  writer.boolean("started", session.state() == v1::Session::STARTED);
  write_attributes(session, &writer);
  write_output(session, &writer);
  writer.close();
  writer.close();
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + writer.written();
}

}  // namespace sillage::lttng
