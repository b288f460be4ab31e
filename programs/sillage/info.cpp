// SPDX-License-Identifier: MIT
#include "sillage/info.hpp"

#include "ctf/text.hpp"
#include "sillage/details_number.hpp"
#include "sillage/json_value.hpp"
#include "sillage/output.hpp"
#include "sillage/trace_summary.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>
#include <utility>

namespace sillage::command {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// "2026-11-21 08:30:00.000000001"
std::string time_text(std::int64_t ns, bool is_gmt) {
  const std::int64_t second = ns / kSecond - (ns % kSecond < 0 ? 1 : 0);
  const auto time = static_cast<std::time_t>(second);
  std::tm fields{};
  char text[64] = "";
  if ((is_gmt ? gmtime_r(&time, &fields) : localtime_r(&time, &fields)) != nullptr) {
    std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &fields);
  }
  return fmt::format("{}.{:09}", text, ns - second * kSecond);
}

std::string duration_text(std::int64_t begin_ns, std::int64_t end_ns) {
  const auto ns = static_cast<std::uint64_t>(end_ns) - static_cast<std::uint64_t>(begin_ns);
  return fmt::format("{}.{:09} s", ns / kSecond, ns % kSecond);
}

// A field class in one word: "u32", "text", "[u8]".
std::string type_text(const ctf::Plan& plan, std::uint32_t index) {
  const ctf::Field& field = plan.fields()[index];
  const ctf::FieldClass& type = *field.field_class;
  const auto integer_text = [](bool is_signed, unsigned bits, bool is_enumeration) {
    return fmt::format("{}{}{}", is_enumeration ? "enum " : "", is_signed ? 'i' : 'u', bits);
  };
  if (const auto* integer = type.as<ctf::Integer>()) {
    return integer_text(integer->is_signed, integer->layout.length_bits,
                        !integer->mappings.empty());
  }
  if (const auto* integer = type.as<ctf::VariableInteger>()) {
    return "variable " + integer_text(integer->is_signed, 64, !integer->mappings.empty());
  }
  if (const auto* real = type.as<ctf::Float>()) {
    return "f" + std::to_string(real->layout.length_bits);
  }
  if (type.as<ctf::Boolean>() != nullptr) return "boolean";
  if (const auto* bits = type.as<ctf::BitArray>()) {
    return "bits " + std::to_string(bits->layout.length_bits);
  }
  if (const auto* bits = type.as<ctf::BitMap>()) {
    return "flags " + std::to_string(bits->layout.length_bits);
  }
  if (type.as<ctf::StaticBlob>() != nullptr || type.as<ctf::DynamicBlob>() != nullptr) {
    return "blob";
  }
  const auto members = [&](const char* between) {
    std::string text;
    for (const std::uint32_t child : field.children) {
      if (plan.fields()[child].is_hidden) continue;
      const std::string& name = plan.fields()[child].name;
      text += (text.empty() ? "" : between) + (name.empty() ? "" : name + ": ") +
              type_text(plan, child);
    }
    return text;
  };
  if (type.as<ctf::Structure>() != nullptr) return "{" + members(", ") + "}";
  if (type.as<ctf::Variant>() != nullptr) return "one of {" + members(" | ") + "}";
  if (type.as<ctf::Optional>() != nullptr) return members("") + "?";
  if (type.as<ctf::StaticArray>() != nullptr || type.as<ctf::DynamicArray>() != nullptr) {
    return "[" + members("") + "]";
  }
  return "text";
}

// Names and types of the fields of a scope.
using Fields = std::vector<std::pair<std::string, std::string>>;

void add_fields(const ctf::Plan& plan, const ctf::ScopePlan& scope, const char* prefix,
                Fields* fields) {
  if (scope.empty()) return;
  for (const std::uint32_t child : plan.fields()[scope.root].children) {
    const ctf::Field& field = plan.fields()[child];
    if (!field.is_hidden) fields->emplace_back(prefix + field.name, type_text(plan, child));
  }
}

// As filters name them, by name of the event.
std::map<std::string, Fields> fields_of(const ctf::Plan& plan) {
  std::map<std::string, Fields> by_name;
  for (const ctf::StreamPlan& stream : plan.streams()) {
    for (const ctf::EventPlan& event : stream.events) {
      Fields& fields = by_name[event.event_class->name];
      if (!fields.empty()) continue;
      add_fields(plan, event.payload, "", &fields);
      add_fields(plan, event.specific_context, "$ctx.", &fields);
      add_fields(plan, stream.common_context, "$ctx.", &fields);
      add_fields(plan, stream.packet_context, "$ctx.", &fields);
    }
  }
  return by_name;
}

// Events that occur most first.
std::vector<std::pair<std::string, EventSummary>> by_count(const TraceSummary& summary) {
  std::vector<std::pair<std::string, EventSummary>> events(summary.events.begin(),
                                                           summary.events.end());
  std::ranges::stable_sort(
      events, [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  return events;
}

const char* version_of(const ctf::Trace& trace) {
  return trace.plan->model().version == ctf::Version::kCtf18 ? "1.8" : "2";
}

class TextInfo {
 public:
  explicit TextInfo(const InfoOptions& options) : options_(options) {}

  std::string text(const TraceSummary& summary) {
    const ctf::Trace& trace = *summary.trace;
    const ctf::TraceClass& trace_class = trace.plan->model().trace;
    out_ = "Trace " + trace.path + '\n';
    line("Format", std::string("CTF ") + version_of(trace));
    if (trace_class.uuid) line("UUID", ctf::uuid_text(*trace_class.uuid));
    put_environment(trace_class.environment);
    for (const ctf::ClockClass& clock : trace_class.clocks) put_clock(clock);
    put_time(summary.time, "Time");
    line("Size", fmt::format("{} bytes, {} packets, {} events", grouped(summary.bytes),
                             grouped(summary.packet_count), grouped(summary.event_count)));
    line("Lost", summary.lost.is_any() ? summary.lost.text() : "nothing");
    put_streams(summary);
    put_events(summary);
    return std::move(out_);
  }

 private:
  void line(const char* name, const std::string& value) {
    out_ += fmt::format("  {:<12} {}\n", name, value);
  }

  void put_environment(const std::vector<ctf::EnvironmentEntry>& environment) {
    const char* name = "Environment";
    for (const ctf::EnvironmentEntry& entry : environment) {
      const auto* number = std::get_if<std::int64_t>(&entry.value);
      line(name,
           entry.name + " = " +
               (number != nullptr ? std::to_string(*number) : std::get<std::string>(entry.value)));
      name = "";
    }
  }

  void put_clock(const ctf::ClockClass& clock) {
    std::string text = fmt::format("{}, {} Hz", clock.name.empty() ? clock.id : clock.name,
                                   grouped(clock.frequency_hz));
    text += clock.origin_is_unix_epoch ? ", since 1970" : ", since an origin of its own";
    text += fmt::format(" + {} s + {} cycles", clock.offset_seconds, clock.offset_cycles);
    if (clock.precision_cycles)
      text += fmt::format(", precise to {} cycles", *clock.precision_cycles);
    if (!clock.uid.empty()) text += ", " + clock.uid;
    line("Clock", text);
  }

  void put_time(const TimeSpan& time, const char* name) {
    if (!time.begin_ns) return;
    line(name, fmt::format("{} to {}, {}", time_text(*time.begin_ns, options_.clock_gmt),
                           time_text(*time.end_ns, options_.clock_gmt),
                           duration_text(*time.begin_ns, *time.end_ns)));
  }

  void put_streams(const TraceSummary& summary) {
    if (summary.streams.empty()) return;
    out_ += fmt::format("\n  {:>5} {:>6} {:>9} {:>14} {:>16}  {}\n", "Class", "Stream", "Packets",
                        "Events", "Bytes", "File");
    for (const StreamSummary& stream : summary.streams) {
      out_ += fmt::format("  {:>5} {:>6} {:>9} {:>14} {:>16}  {}\n",
                          stream.stream->plan().stream_class->id, stream.stream->id(),
                          grouped(stream.packets), grouped(stream.events), grouped(stream.bytes),
                          stream.stream->name());
      if (stream.lost.is_any()) out_ += fmt::format("{:14}lost {}\n", "", stream.lost.text());
    }
  }

  void put_events(const TraceSummary& summary) {
    if (summary.events.empty()) return;
    out_ += fmt::format("\n  {:>14} {:>16}  {}\n", "Events", "Bytes", "Name");
    const std::map<std::string, Fields> fields =
        options_.fields ? fields_of(*summary.trace->plan) : std::map<std::string, Fields>();
    std::size_t silent = 0;
    for (const auto& [name, event] : by_count(summary)) {
      if (event.count == 0 && !options_.fields) {
        ++silent;
        continue;
      }
      out_ += fmt::format("  {:>14} {:>16}  {}\n", grouped(event.count),
                          grouped((event.bits + 7) / 8), name);
      if (const auto found = fields.find(name); found != fields.end()) {
        for (const auto& [field, type] : found->second) {
          out_ += fmt::format("{:37}{}: {}\n", "", field, type);
        }
      }
    }
    if (silent != 0) out_ += fmt::format("  {:>14} {:>16}  ({} others)\n", 0, 0, silent);
  }

  const InfoOptions& options_;
  std::string out_;
};

class JsonInfo {
 public:
  explicit JsonInfo(const InfoOptions& options) : options_(options) {}

  std::string text(const std::vector<TraceSummary>& summaries) {
    out_ = "{\"traces\":[";
    for (const TraceSummary& summary : summaries) {
      separate();
      put_trace(summary);
    }
    out_ += "]}\n";
    return std::move(out_);
  }

 private:
  void separate() {
    if (out_.back() != '{' && out_.back() != '[') out_ += ',';
  }
  void key(const char* name) {
    separate();
    append_json(name, &out_);
    out_ += ':';
  }
  template <class Number>
  void number(const char* name, Number value) {
    key(name);
    append_number(value, &out_);
  }
  void string(const char* name, std::string_view value) {
    key(name);
    append_json(value, &out_);
  }

  void put_time(const TimeSpan& time) {
    if (!time.begin_ns) return;
    number("begin_ns", *time.begin_ns);
    number("end_ns", *time.end_ns);
  }
  void put_losses(const LossTotal& lost) {
    number("lost_events", lost.events);
    number("lost_packets", lost.packets);
    key("lost_more");
    out_ += lost.are_more ? "true" : "false";
  }

  void put_trace(const TraceSummary& summary) {
    const ctf::Trace& trace = *summary.trace;
    const ctf::TraceClass& trace_class = trace.plan->model().trace;
    out_ += '{';
    string("path", trace.path);
    string("ctf_version", version_of(trace));
    if (trace_class.uuid) string("uuid", ctf::uuid_text(*trace_class.uuid));
    key("environment");
    out_ += '{';
    for (const ctf::EnvironmentEntry& entry : trace_class.environment) {
      if (const auto* value = std::get_if<std::int64_t>(&entry.value)) {
        number(entry.name.c_str(), *value);
      } else {
        string(entry.name.c_str(), std::get<std::string>(entry.value));
      }
    }
    out_ += '}';
    key("clocks");
    out_ += '[';
    for (const ctf::ClockClass& clock : trace_class.clocks) put_clock(clock);
    out_ += ']';
    put_time(summary.time);
    number("packets", summary.packet_count);
    number("events", summary.event_count);
    number("bytes", summary.bytes);
    put_losses(summary.lost);
    put_streams(summary);
    put_events(summary);
    out_ += '}';
  }

  void put_clock(const ctf::ClockClass& clock) {
    separate();
    out_ += '{';
    string("name", clock.name.empty() ? clock.id : clock.name);
    if (!clock.uid.empty()) string("uid", clock.uid);
    if (!clock.description.empty()) string("description", clock.description);
    number("frequency_hz", clock.frequency_hz);
    number("offset_s", clock.offset_seconds);
    number("offset_cycles", clock.offset_cycles);
    if (clock.precision_cycles) number("precision_cycles", *clock.precision_cycles);
    key("origin_is_unix_epoch");
    out_ += clock.origin_is_unix_epoch ? "true" : "false";
    out_ += '}';
  }

  void put_streams(const TraceSummary& summary) {
    key("streams");
    out_ += '[';
    for (const StreamSummary& stream : summary.streams) {
      separate();
      out_ += '{';
      number("stream_class", stream.stream->plan().stream_class->id);
      number("stream", stream.stream->id());
      string("file", stream.stream->name());
      number("packets", stream.packets);
      number("events", stream.events);
      number("bytes", stream.bytes);
      put_time(stream.time);
      put_losses(stream.lost);
      out_ += '}';
    }
    out_ += ']';
  }

  void put_events(const TraceSummary& summary) {
    const auto fields = fields_of(*summary.trace->plan);
    key("event_names");
    out_ += '[';
    for (const auto& [name, event] : by_count(summary)) {
      separate();
      out_ += '{';
      string("name", name);
      number("count", event.count);
      number("bytes", (event.bits + 7) / 8);
      const auto found = fields.find(name);
      if (options_.fields && found != fields.end()) {
        key("fields");
        out_ += '{';
        std::set<std::string> names;
        for (const auto& [field, type] : found->second) {
          if (names.insert(field).second) string(field.c_str(), type);
        }
        out_ += '}';
      }
      out_ += '}';
    }
    out_ += ']';
  }

  const InfoOptions& options_;
  std::string out_;
};

}  // namespace

CLI::App* declare_info(CLI::App* app, InfoOptions* options) {
  CLI::App* info = app->add_subcommand("info", "Show what is in traces");
  info->add_option("path", options->paths, "Directories of traces, or above them")
      ->type_name("PATH")
      ->required();
  info->add_flag("--json", options->json, "As JSON");
  info->add_flag("-f,--fields", options->fields, "With the fields of each event, and their types");
  info->add_flag("--clock-gmt", options->clock_gmt, "Times in UTC instead of local time");
  return info;
}

int info(const InfoOptions& options) {
  const auto say = [](const Error& error) { fmt::print(stderr, "sillage: {}\n", error.text()); };
  ctf::ReadOptions what;
  what.on_damage = say;
  const auto reader = ctf::TraceReader::open(options.paths, std::move(what));
  auto output = Output::open({}, !options.json);
  if (!reader || !output) {
    say(!reader ? reader.error() : output.error());
    return 1;
  }
  std::uint64_t damage_count = 0;
  const auto summaries = summarize(*reader, [&](const Error& error) {
    if (!ctf::is_incomplete(error)) ++damage_count;
    output->warn("sillage: " + error.text() + "\n");
  });
  if (options.json) {
    output->write(JsonInfo(options).text(summaries));
  } else {
    for (const TraceSummary& summary : summaries) {
      if (&summary != summaries.data()) output->write("\n");
      output->write(TextInfo(options).text(summary));
    }
  }
  if (output->error_number() != 0) {
    say(fail_errno("standard output", output->error_number()).value());
    return 1;
  }
  return damage_count + reader->damage_count() == 0 ? 0 : 1;
}

}  // namespace sillage::command
