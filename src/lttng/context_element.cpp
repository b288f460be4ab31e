// SPDX-License-Identifier: MIT
#include "lttng/context_element.hpp"

#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace sillage::lttng {
namespace {

struct Counter {
  std::string name;  // behind "perf:cpu:" and "perf:thread:"
  std::uint64_t type, config;
};

/// The counters that LTTng has names for (lttng-add-context(1)).
const std::vector<Counter>& counters() {
  static const std::vector<Counter> kCounters = [] {
    constexpr std::uint64_t kHardware = PERF_TYPE_HARDWARE, kSoftware = PERF_TYPE_SOFTWARE;
    std::vector<Counter> all = {
        {"cpu-cycles", kHardware, PERF_COUNT_HW_CPU_CYCLES},
        {"cycles", kHardware, PERF_COUNT_HW_CPU_CYCLES},
        {"stalled-cycles-frontend", kHardware, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
        {"idle-cycles-frontend", kHardware, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND},
        {"stalled-cycles-backend", kHardware, PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
        {"idle-cycles-backend", kHardware, PERF_COUNT_HW_STALLED_CYCLES_BACKEND},
        {"instructions", kHardware, PERF_COUNT_HW_INSTRUCTIONS},
        {"cache-references", kHardware, PERF_COUNT_HW_CACHE_REFERENCES},
        {"cache-misses", kHardware, PERF_COUNT_HW_CACHE_MISSES},
        {"branch-instructions", kHardware, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
        {"branches", kHardware, PERF_COUNT_HW_BRANCH_INSTRUCTIONS},
        {"branch-misses", kHardware, PERF_COUNT_HW_BRANCH_MISSES},
        {"bus-cycles", kHardware, PERF_COUNT_HW_BUS_CYCLES},
        {"cpu-clock", kSoftware, PERF_COUNT_SW_CPU_CLOCK},
        {"task-clock", kSoftware, PERF_COUNT_SW_TASK_CLOCK},
        {"page-fault", kSoftware, PERF_COUNT_SW_PAGE_FAULTS},
        {"page-faults", kSoftware, PERF_COUNT_SW_PAGE_FAULTS},
        {"faults", kSoftware, PERF_COUNT_SW_PAGE_FAULTS},
        {"major-faults", kSoftware, PERF_COUNT_SW_PAGE_FAULTS_MAJ},
        {"minor-faults", kSoftware, PERF_COUNT_SW_PAGE_FAULTS_MIN},
        {"context-switches", kSoftware, PERF_COUNT_SW_CONTEXT_SWITCHES},
        {"cs", kSoftware, PERF_COUNT_SW_CONTEXT_SWITCHES},
        {"cpu-migrations", kSoftware, PERF_COUNT_SW_CPU_MIGRATIONS},
        {"migrations", kSoftware, PERF_COUNT_SW_CPU_MIGRATIONS},
        {"alignment-faults", kSoftware, PERF_COUNT_SW_ALIGNMENT_FAULTS},
        {"emulation-faults", kSoftware, PERF_COUNT_SW_EMULATION_FAULTS}};
    // By their numbers in perf_event.h; results of odd ones are misses.
    constexpr const char* kCaches[] = {"L1-dcache", "L1-icache", "LLC", "dTLB", "iTLB", "branch"};
    constexpr const char* kOperations[] = {"loads",        "load-misses", "stores",
                                           "store-misses", "prefetches",  "prefetch-misses"};
    for (std::uint64_t cache = 0; cache < std::size(kCaches); ++cache)
      for (std::uint64_t operation = 0; operation < std::size(kOperations); ++operation)
        all.push_back({std::string(kCaches[cache]) + "-" + kOperations[operation],
                       PERF_TYPE_HW_CACHE, cache | operation / 2 << 8 | operation % 2 << 16});
    return all;
  }();
  return kCounters;
}

std::string field_of(std::string_view context) {
  std::string field(context);
  std::replace_if(
      field.begin(), field.end(), [](char c) { return c == ':' || c == '-'; }, '_');
  return field;
}

/// Behind "perf:cpu:" or "perf:thread:".
std::string_view counter_name(std::string_view context) {
  return context.substr(std::min(context.size(), context.find(':', 5) + 1));
}

void write_counter(std::string_view context, XmlWriter* writer) {
  const std::string_view name = counter_name(context);
  std::uint64_t type = 0, config = 0;
  if (name.starts_with("raw:r")) {
    type = PERF_TYPE_RAW;
    std::from_chars(name.data() + 5, name.data() + name.size(), config, 16);
  }
  for (const Counter& counter : counters())
    if (counter.name == name) {
      type = counter.type;
      config = counter.config;
    }
  writer->open("perf");
  writer->number("type", type);
  writer->number("config", config);
  writer->text("name", field_of(context));
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

Result<std::string> context_of_counter(std::string_view field, std::uint64_t type,
                                       std::uint64_t config) {
  const std::string prefix = field.starts_with("perf_thread_") ? "perf:thread:" : "perf:cpu:";
  std::string found;
  for (const Counter& counter : counters()) {
    if (counter.type != type || counter.config != config) continue;
    // Of several names the one that the field has, else the first.
    if (found.empty() || field_of(prefix + counter.name) == field) found = prefix + counter.name;
  }
  if (!found.empty()) return found;
  if (type != PERF_TYPE_RAW)
    return fail(Code::kInvalidArgument, "a counter of perf without a name here: type " +
                                            std::to_string(type) + ", configuration " +
                                            std::to_string(config));
  char digits[17];
  const auto end = std::to_chars(digits, digits + sizeof digits, config, 16);
  const std::string code = "raw:r" + std::string(digits, end.ptr) + ":";
  const std::string name(field.substr(std::min(field.size(), field_of(prefix + code).size())));
  if (name.empty())
    return fail(
        Code::kInvalidArgument,
        "a raw counter of perf that is not named perf_cpu_raw_rCODE_NAME: " + std::string(field));
  return prefix + code + name;
}

}  // namespace sillage::lttng
