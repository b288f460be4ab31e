// SPDX-License-Identifier: MIT
#include "session/perf_counters.hpp"

#include <linux/perf_event.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace sillage::session {
namespace {

constexpr std::string_view kPrefix = "perf:", kRaw = "raw:";

struct Named {
  std::string_view name;
  std::uint32_t type;
  std::uint64_t config;
};

#define HARDWARE(NAME, WHAT) \
  Named { NAME, PERF_TYPE_HARDWARE, PERF_COUNT_HW_##WHAT }
#define SOFTWARE(NAME, WHAT) \
  Named { NAME, PERF_TYPE_SOFTWARE, PERF_COUNT_SW_##WHAT }
constexpr std::array kNames{
    HARDWARE("cpu-cycles", CPU_CYCLES),
    HARDWARE("cycles", CPU_CYCLES),
    HARDWARE("stalled-cycles-frontend", STALLED_CYCLES_FRONTEND),
    HARDWARE("idle-cycles-frontend", STALLED_CYCLES_FRONTEND),
    HARDWARE("stalled-cycles-backend", STALLED_CYCLES_BACKEND),
    HARDWARE("idle-cycles-backend", STALLED_CYCLES_BACKEND),
    HARDWARE("instructions", INSTRUCTIONS),
    HARDWARE("cache-references", CACHE_REFERENCES),
    HARDWARE("cache-misses", CACHE_MISSES),
    HARDWARE("branch-instructions", BRANCH_INSTRUCTIONS),
    HARDWARE("branches", BRANCH_INSTRUCTIONS),
    HARDWARE("branch-misses", BRANCH_MISSES),
    HARDWARE("bus-cycles", BUS_CYCLES),
    SOFTWARE("cpu-clock", CPU_CLOCK),
    SOFTWARE("task-clock", TASK_CLOCK),
    SOFTWARE("page-fault", PAGE_FAULTS),
    SOFTWARE("page-faults", PAGE_FAULTS),
    SOFTWARE("faults", PAGE_FAULTS),
    SOFTWARE("major-faults", PAGE_FAULTS_MAJ),
    SOFTWARE("minor-faults", PAGE_FAULTS_MIN),
    SOFTWARE("context-switches", CONTEXT_SWITCHES),
    SOFTWARE("cs", CONTEXT_SWITCHES),
    SOFTWARE("cpu-migrations", CPU_MIGRATIONS),
    SOFTWARE("migrations", CPU_MIGRATIONS),
    SOFTWARE("alignment-faults", ALIGNMENT_FAULTS),
    SOFTWARE("emulation-faults", EMULATION_FAULTS),
};
#undef HARDWARE
#undef SOFTWARE

struct Part {
  std::string_view name;
  std::uint64_t number;
};
constexpr std::array kCaches{
    Part{"L1-dcache", PERF_COUNT_HW_CACHE_L1D}, Part{"L1-icache", PERF_COUNT_HW_CACHE_L1I},
    Part{"LLC", PERF_COUNT_HW_CACHE_LL},        Part{"dTLB", PERF_COUNT_HW_CACHE_DTLB},
    Part{"iTLB", PERF_COUNT_HW_CACHE_ITLB},     Part{"branch", PERF_COUNT_HW_CACHE_BPU}};
// Operation, and from bit 8 up its result.
constexpr std::array kOperations{
    Part{"loads", PERF_COUNT_HW_CACHE_OP_READ},
    Part{"load-misses", PERF_COUNT_HW_CACHE_OP_READ | PERF_COUNT_HW_CACHE_RESULT_MISS << 8},
    Part{"stores", PERF_COUNT_HW_CACHE_OP_WRITE},
    Part{"store-misses", PERF_COUNT_HW_CACHE_OP_WRITE | PERF_COUNT_HW_CACHE_RESULT_MISS << 8},
    Part{"prefetches", PERF_COUNT_HW_CACHE_OP_PREFETCH},
    Part{"prefetch-misses",
         PERF_COUNT_HW_CACHE_OP_PREFETCH | PERF_COUNT_HW_CACHE_RESULT_MISS << 8}};

// CACHE-OPERATION, as the events of perf's caches are put together.
std::optional<Named> find_cache_event(std::string_view name) {
  for (const Part& cache : kCaches) {
    if (!name.starts_with(cache.name) || name.size() <= cache.name.size() ||
        name[cache.name.size()] != '-')
      continue;
    const std::string_view rest = name.substr(cache.name.size() + 1);
    for (const Part& operation : kOperations)
      if (rest == operation.name)
        return Named{name, PERF_TYPE_HW_CACHE, cache.number | operation.number << 8};
  }
  return std::nullopt;
}

std::optional<Named> find_event(std::string_view name) {
  const auto* const found = std::find_if(kNames.begin(), kNames.end(),
                                         [name](const Named& known) { return known.name == name; });
  return found != kNames.end() ? std::optional(*found) : find_cache_event(name);
}

std::string field_name(std::string_view context) {
  std::string name(context);
  std::replace_if(
      name.begin(), name.end(), [](char letter) { return letter == ':' || letter == '-'; }, '_');
  return name;
}

std::string_view prefix_of(CountersOf whose) {
  return whose == CountersOf::kCpus ? "perf:cpu:" : "perf:thread:";
}

Error malformed(std::string_view context, CountersOf whose) {
  const std::string prefix(prefix_of(whose));
  return {Code::kInvalidArgument,
          "\"" + std::string(context) + "\" is no counter of perf; write " + prefix + "NAME or " +
              prefix + "raw:rCODE:NAME",
          {}};
}

Result<PerfCounter> parse_raw(std::string_view context, std::string_view code_and_name,
                              CountersOf whose) {
  const std::size_t colon = code_and_name.find(':');
  if (!code_and_name.starts_with('r') || colon == std::string_view::npos ||
      colon + 1 == code_and_name.size())
    return tl::unexpected(malformed(context, whose));
  PerfCounter counter{.field = field_name(context), .type = PERF_TYPE_RAW};
  const std::string_view code = code_and_name.substr(1, colon - 1);
  const std::string_view name = code_and_name.substr(colon + 1);
  const auto read = std::from_chars(code.data(), code.data() + code.size(), counter.config, 16);
  const bool is_name = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == ':';
  });
  if (read.ec != std::errc() || read.ptr != code.data() + code.size() || !is_name ||
      name.size() > kMaxRawName)
    return tl::unexpected(malformed(context, whose));
  return counter;
}

}  // namespace

bool is_perf_counter(std::string_view context) { return context.starts_with(kPrefix); }

Result<PerfCounter> parse_perf_counter(std::string_view context, CountersOf whose) {
  const bool is_of_cpus = whose == CountersOf::kCpus;
  const std::string_view prefix = prefix_of(whose);
  const std::string_view other = prefix_of(is_of_cpus ? CountersOf::kThreads : CountersOf::kCpus);
  if (context.starts_with(other))
    return fail(Code::kNotFound, (is_of_cpus ? "kernel events have no counters of threads ("
                                             : "programs' events have no counters of CPUs (") +
                                     std::string(context) + "): use " + std::string(prefix) +
                                     std::string(context.substr(other.size())));
  if (!context.starts_with(kPrefix)) return tl::unexpected(malformed(context, whose));
  const std::string_view name =
      context.substr(context.starts_with(prefix) ? prefix.size() : kPrefix.size());
  if (name.starts_with(kRaw)) return parse_raw(context, name.substr(kRaw.size()), whose);
  if (name.empty() || name.find(':') != std::string_view::npos)
    return tl::unexpected(malformed(context, whose));
  const auto found = find_event(name);
  if (!found) {
    std::string all;
    for (const Named& known : kNames) all += " " + std::string(known.name);
    return fail(Code::kNotFound,
                "perf has no counter \"" + std::string(name) + "\"; use one of" + all +
                    ", or of L1-dcache, L1-icache, LLC, dTLB, iTLB and branch -loads, "
                    "-load-misses, -stores, -store-misses, -prefetches, -prefetch-misses");
  }
  return PerfCounter{field_name(context), found->type, found->config};
}

std::vector<std::string> perf_counter_contexts(CountersOf whose) {
  const std::string prefix(prefix_of(whose));
  std::vector<std::string> contexts;
  for (const Named& known : kNames)
    if (known.type == PERF_TYPE_HARDWARE) contexts.push_back(prefix + std::string(known.name));
  for (const Part& cache : kCaches)
    for (const Part& operation : kOperations) {
      // Nothing is stored through these.
      const bool is_read_only =
          cache.number == PERF_COUNT_HW_CACHE_ITLB || cache.number == PERF_COUNT_HW_CACHE_BPU;
      if (!is_read_only || operation.name.starts_with("load"))
        contexts.push_back(prefix + std::string(cache.name) + "-" + std::string(operation.name));
    }
  for (const Named& known : kNames)
    if (known.type == PERF_TYPE_SOFTWARE) contexts.push_back(prefix + std::string(known.name));
  return contexts;
}

Result<std::string> context_of_counter(std::string_view field, std::uint64_t type,
                                       std::uint64_t config) {
  std::string_view prefix = kPrefix;
  for (const CountersOf whose : {CountersOf::kCpus, CountersOf::kThreads})
    if (field.starts_with(field_name(prefix_of(whose)))) prefix = prefix_of(whose);
  std::string found;
  const auto consider = [&](std::string_view name, std::uint64_t its_type,
                            std::uint64_t its_config) {
    if (its_type != type || its_config != config) return;
    // Of several names the one that the field has, else the first.
    const std::string context = std::string(prefix) + std::string(name);
    if (found.empty() || field_name(context) == field) found = context;
  };
  for (const Named& known : kNames) consider(known.name, known.type, known.config);
  for (const Part& cache : kCaches)
    for (const Part& operation : kOperations)
      consider(std::string(cache.name) + "-" + std::string(operation.name), PERF_TYPE_HW_CACHE,
               cache.number | operation.number << 8);
  if (!found.empty()) return found;
  if (type != PERF_TYPE_RAW)
    return fail(Code::kInvalidArgument, "a counter of perf without a name here: type " +
                                            std::to_string(type) + ", configuration " +
                                            std::to_string(config));
  // The code as it is written there: it may have zeros in front.
  const std::string begin = field_name(prefix) + "raw_r";
  const std::string_view rest = field.substr(std::min(field.size(), begin.size()));
  const std::size_t end = rest.find('_');
  std::uint64_t code = 0;
  const std::string_view digits = rest.substr(0, end);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
  if (!field.starts_with(begin) || end == std::string_view::npos || end + 1 == rest.size() ||
      read.ec != std::errc() || read.ptr != digits.data() + digits.size() || code != config)
    return fail(Code::kInvalidArgument, "a raw counter of perf that is not named " + begin +
                                            "CODE_NAME by its code: " + std::string(field));
  return std::string(prefix) + "raw:r" + std::string(digits) + ":" +
         std::string(rest.substr(end + 1));
}

}  // namespace sillage::session
