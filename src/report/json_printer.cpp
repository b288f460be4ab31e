// SPDX-License-Identifier: MIT
#include "report/json_printer.hpp"

#include "report/json_value.hpp"

namespace sillage::report {
namespace {

std::string trace_json(const ctf::Trace& trace) {
  std::string text = "{\"path\":";
  append_json(trace.path, &text);
  for (const char* name : {"hostname", "domain", "procname", "vpid"}) {
    const ctf::EnvironmentValue* value = trace.environment(name);
    if (value == nullptr) continue;
    text.append(",\"").append(name).append("\":");
    if (const auto* number = std::get_if<std::int64_t>(value)) {
      append_number(*number, &text);
    } else {
      append_json(std::get<std::string>(*value), &text);
    }
  }
  return text + '}';
}

}  // namespace

const std::string& JsonPrinter::head_of(const ctf::DataStream& stream) {
  const auto [head, is_new] = heads_.try_emplace(stream.event().event);
  if (is_new) {
    const ctf::EventClass& event = *stream.event().event->event_class;
    std::string& text = head->second;
    text = "\"name\":";
    append_json(event.name, &text);
    text += ",\"id\":";
    append_number(event.id, &text);
    if (event.log_level) {
      text += ",\"log_level\":";
      append_number(std::uint64_t{*event.log_level}, &text);
    }
    text += ",\"trace\":" + trace_json(stream.trace()) + ",\"stream_class\":";
    append_number(stream.plan().stream_class->id, &text);
    text += ",\"stream\":";
  }
  return head->second;
}

void JsonPrinter::put_scope(const ctf::Plan& plan, std::string_view name, ctf::Values values) {
  if (values.empty() || plan.fields()[values.front().field].is_hidden) return;
  text_.append(",\"").append(name).append("\":");
  append_json(plan, values.data(), &text_);
}

void JsonPrinter::print(const ctf::DataStream& stream) {
  const ctf::EventView& event = stream.event();
  const ctf::Plan& plan = *stream.trace().plan;
  text_ += "{\"type\":\"event\",";
  if (stream.has_time()) {
    text_ += "\"time_ns\":";
    append_number(stream.ns(), &text_);
    text_ += ",\"cycles\":";
    append_number(event.clock, &text_);
    text_ += ',';
  }
  text_ += head_of(stream);
  append_number(stream.id(), &text_);
  put_scope(plan, "packet_context", event.packet_context);
  put_scope(plan, "common_context", event.common_context);
  put_scope(plan, "specific_context", event.specific_context);
  put_scope(plan, "payload", event.payload);
  text_ += "}\n";
}

void JsonPrinter::print(const ctf::Discarded& discarded) {
  text_ += discarded.what == ctf::Discarded::What::kEvents
               ? "{\"type\":\"lost_events\",\"count\":"
               : "{\"type\":\"lost_packets\",\"count\":";
  if (discarded.count) {
    append_number(*discarded.count, &text_);
  } else {
    text_ += "null";
  }
  if (discarded.begin_ns && discarded.end_ns) {
    text_ += ",\"begin_ns\":";
    append_number(*discarded.begin_ns, &text_);
    text_ += ",\"end_ns\":";
    append_number(*discarded.end_ns, &text_);
  }
  text_ += ",\"trace\":" + trace_json(discarded.stream->trace()) + ",\"stream_class\":";
  append_number(discarded.stream->plan().stream_class->id, &text_);
  text_ += ",\"stream\":";
  append_number(discarded.stream->id(), &text_);
  text_ += "}\n";
}

}  // namespace sillage::report
