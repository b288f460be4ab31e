// SPDX-License-Identifier: MIT
#include "lttng/context_element.hpp"

#include "session/perf_counters.hpp"

#include <algorithm>

namespace sillage::lttng {
namespace {

void write_counter(std::string_view context, XmlWriter* writer) {
  const auto whose = context.starts_with("perf:thread:") ? session::CountersOf::kThreads
                                                         : session::CountersOf::kCpus;
  const auto known = session::parse_perf_counter(context, whose);
  const session::PerfCounter counter = known ? *known : session::PerfCounter{std::string(context)};
  writer->open("perf");
  writer->number("type", counter.type);
  writer->number("config", counter.config);
  writer->text("name", counter.field);
  writer->close();
}

char upper(char c) {
  if (c == '-') return '_';
  return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); }

}  // namespace

void write_context(std::string_view context, XmlWriter* writer) {
  constexpr std::string_view kApp = "$app.";
  if (context.starts_with("perf:")) return write_counter(context, writer);
  if (context.starts_with(kApp)) {
    const std::string_view name = context.substr(kApp.size());
    const std::size_t colon = std::min(name.find(':'), name.size());
    writer->open("app");
    writer->text("provider_name", name.substr(0, colon));
    writer->text("ctx_name", name.substr(std::min(colon + 1, name.size())));
    writer->close();
    return;
  }
  std::string type(context);
  std::transform(type.begin(), type.end(), type.begin(), upper);
  writer->text("type", type);
}

std::string context_of_type(std::string_view type) {
  std::string context(type);
  std::transform(context.begin(), context.end(), context.begin(), lower);
  // The only ones that the command line writes with a dash.
  if (context.starts_with("callstack_")) context[9] = '-';
  return context;
}

}  // namespace sillage::lttng
