// SPDX-License-Identifier: MIT
#include "report/info_json.hpp"

#include "ctf/text.hpp"
#include "report/event_fields.hpp"
#include "report/json_value.hpp"

#include <set>
#include <string_view>
#include <utility>

namespace sillage::report {
namespace {

class JsonInfo {
 public:
  explicit JsonInfo(bool has_fields) : has_fields_(has_fields) {}

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
    string("ctf_version", version_text(trace));
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
    for (const auto& [name, event] : by_count(summary.events)) {
      separate();
      out_ += '{';
      string("name", name);
      number("count", event.count);
      number("bytes", (event.bits + 7) / 8);
      const auto found = fields.find(name);
      if (has_fields_ && found != fields.end()) {
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

  bool has_fields_;
  std::string out_;
};

}  // namespace

std::string info_json(const std::vector<TraceSummary>& summaries, bool has_fields) {
  return JsonInfo(has_fields).text(summaries);
}

}  // namespace sillage::report
