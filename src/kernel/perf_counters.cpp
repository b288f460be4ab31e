// SPDX-License-Identifier: MIT
#include "kernel/perf_counters.hpp"

#include "kernel/maps.hpp"

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

namespace sillage::kernel {
namespace {

constexpr std::string_view kPrefix = "perf:", kCpu = "perf:cpu:", kRaw = "raw:";

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

Error malformed(std::string_view context) {
  return {Code::kInvalidArgument,
          "\"" + std::string(context) +
              "\" is no counter of perf; write perf:cpu:NAME or perf:cpu:raw:rCODE:NAME",
          {}};
}

Result<PerfEvent> parse_raw(std::string_view context, std::string_view code_and_name) {
  const std::size_t colon = code_and_name.find(':');
  if (!code_and_name.starts_with('r') || colon == std::string_view::npos ||
      colon + 1 == code_and_name.size())
    return tl::unexpected(malformed(context));
  PerfEvent event{.field = field_name(context), .type = PERF_TYPE_RAW};
  const std::string_view code = code_and_name.substr(1, colon - 1);
  const auto read = std::from_chars(code.data(), code.data() + code.size(), event.config, 16);
  if (read.ec != std::errc() || read.ptr != code.data() + code.size())
    return tl::unexpected(malformed(context));
  return event;
}

}  // namespace

bool is_perf_counter(std::string_view context) { return context.starts_with(kPrefix); }

Result<PerfEvent> parse_perf_counter(std::string_view context) {
  if (context.starts_with("perf:thread:"))
    return fail(Code::kNotFound, "kernel events have no counters of threads (" +
                                     std::string(context) +
                                     "): use perf:cpu:" + std::string(context.substr(12)));
  if (!context.starts_with(kCpu)) return tl::unexpected(malformed(context));
  const std::string_view name = context.substr(kCpu.size());
  if (name.starts_with(kRaw)) return parse_raw(context, name.substr(kRaw.size()));
  const auto found = find_event(name);
  if (!found) {
    std::string all;
    for (const Named& known : kNames) all += " " + std::string(known.name);
    return fail(Code::kNotFound,
                "perf has no counter \"" + std::string(name) + "\"; use one of" + all +
                    ", or of L1-dcache, L1-icache, LLC, dTLB, iTLB and branch -loads, "
                    "-load-misses, -stores, -store-misses, -prefetches, -prefetch-misses");
  }
  return PerfEvent{field_name(context), found->type, found->config};
}

Result<PerfCounter> PerfCounter::open(PerfEvent event, std::uint32_t cpu_count) {
  auto map = create_counter_map(cpu_count);
  if (!map) return tl::unexpected(std::move(map).error());
  perf_event_attr attributes{};
  attributes.size = sizeof attributes;
  attributes.type = event.type;
  attributes.config = event.config;
  bool is_open = false;
  for (std::uint32_t cpu = 0; cpu < cpu_count; ++cpu) {
    const Fd counter(static_cast<int>(
        ::syscall(SYS_perf_event_open, &attributes, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC)));
    if (!counter) {
      if (errno == ENODEV && is_open) continue;  // offline
      if (errno == ENXIO) continue;              // possible only
      if (errno == ENOENT || errno == EOPNOTSUPP || errno == EINVAL || errno == ENODEV)
        return fail(Code::kUnsupported,
                    "this machine cannot count " + event.field +
                        (event.type == PERF_TYPE_SOFTWARE
                             ? std::string()
                             : ": its processors' counters are not to be had, as in most virtual "
                               "machines; those of the kernel are: perf:cpu:page-faults, "
                               "context-switches, cpu-migrations, task-clock"));
      return fail_errno("cannot count " + event.field);
    }
    is_open = true;
    SILLAGE_TRY(set_counter(map->value(), cpu, counter.value()));
  }
  return PerfCounter(std::move(event), std::move(*map));
}

FieldPlan PerfCounter::field() const {
  FieldPlan plan;
  plan.name = event_.field;
  plan.bytes = 8;
  plan.value.kind = Node::Kind::kCall;
  plan.value.function = Function::kCounter;
  plan.value.index = static_cast<std::uint32_t>(map_.value());
  return plan;
}

}  // namespace sillage::kernel
