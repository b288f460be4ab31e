// SPDX-License-Identifier: MIT
#include "report/info_text.hpp"

#include "ctf/text.hpp"
#include "report/details_number.hpp"
#include "report/event_fields.hpp"

#include <fmt/core.h>

#include <ctime>
#include <map>
#include <utility>

namespace sillage::report {
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

class TextInfo {
 public:
  explicit TextInfo(const InfoChoice& choice) : choice_(choice) {}

  std::string text(const TraceSummary& summary) {
    const ctf::Trace& trace = *summary.trace;
    const ctf::TraceClass& trace_class = trace.plan->model().trace;
    out_ = "Trace " + trace.path + '\n';
    line("Format", std::string("CTF ") + version_text(trace));
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
    line(name, fmt::format("{} to {}, {}", time_text(*time.begin_ns, choice_.is_gmt),
                           time_text(*time.end_ns, choice_.is_gmt),
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
    const std::map<std::string, EventFields> fields =
        choice_.has_fields ? fields_of(*summary.trace->plan) : std::map<std::string, EventFields>();
    std::size_t silent = 0;
    for (const auto& [name, event] : by_count(summary.events)) {
      if (event.count == 0 && !choice_.has_fields) {
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

  const InfoChoice& choice_;
  std::string out_;
};

}  // namespace

std::string info_text(const TraceSummary& summary, const InfoChoice& choice) {
  return TextInfo(choice).text(summary);
}

}  // namespace sillage::report
