// SPDX-License-Identifier: MIT
#include "sillage/read_options.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace sillage::command {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// The words between commas, without blanks around them; babeltrace2 takes ",a, b," as well.
std::vector<std::string> split(const std::vector<std::string>& lists) {
  std::vector<std::string> words;
  for (const std::string& list : lists) {
    std::size_t from = 0;
    while (from < list.size()) {
      const std::size_t end = std::min(list.find(',', from), list.size());
      const std::size_t first = std::min(list.find_first_not_of(" \t", from), end);
      const std::size_t last = list.find_last_not_of(" \t", end - 1);
      if (first != end) words.push_back(list.substr(first, last + 1 - first));
      from = end + 1;
    }
  }
  return words;
}

struct Switch {
  std::string_view name;
  bool ctf::TextOptions::*option;
};
constexpr std::array kFields = {
    Switch{"trace", &ctf::TextOptions::trace},
    Switch{"trace:hostname", &ctf::TextOptions::hostname},
    Switch{"trace:domain", &ctf::TextOptions::domain},
    Switch{"trace:procname", &ctf::TextOptions::procname},
    Switch{"trace:vpid", &ctf::TextOptions::vpid},
    Switch{"loglevel", &ctf::TextOptions::log_level},
    Switch{"emf", &ctf::TextOptions::emf_uri},
    Switch{"callsite", nullptr},  // babeltrace2 has it, and shows nothing for it
};
constexpr std::array kNames = {
    Switch{"payload", &ctf::TextOptions::payload_names},
    Switch{"arg", &ctf::TextOptions::payload_names},
    Switch{"args", &ctf::TextOptions::payload_names},
    Switch{"context", &ctf::TextOptions::context_names},
    Switch{"ctx", &ctf::TextOptions::context_names},
    Switch{"header", &ctf::TextOptions::header_names},
    Switch{"scope", &ctf::TextOptions::scope_names},
    Switch{"none", nullptr},
};

// Once one is named, only those that are named are shown.
template <std::size_t kCount>
Status choose(const std::vector<std::string>& lists, const char* option,
              const std::array<Switch, kCount>& switches, ctf::TextOptions* text) {
  const std::vector<std::string> words = split(lists);
  const auto set_all = [&](bool is_shown) {
    for (const Switch& each : switches) {
      if (each.option != nullptr) text->*each.option = is_shown;
    }
  };
  if (!words.empty()) set_all(false);
  const auto has = [&](const char* word) { return std::ranges::find(words, word) != words.end(); };
  if (has("all") && has("none")) {
    return fail(Code::kInvalidArgument,
                fmt::format("--{}: all and none cannot both be: write one of them", option));
  }
  for (const std::string& word : words) {
    const auto found = std::ranges::find(switches, word, &Switch::name);
    if (word == "all") {
      set_all(true);
    } else if (found == switches.end()) {
      std::string known;
      for (const Switch& each : switches) known += std::string(each.name) + ", ";
      return fail(
          Code::kInvalidArgument,
          fmt::format("--{} {}: there is no such one; there are {}all", option, word, known));
    } else if (found->option != nullptr) {
      text->*found->option = true;
    }
  }
  return {};
}

bool is_colour_terminal() {
  const char* forced = std::getenv("BABELTRACE_TERM_COLOR");
  if (forced != nullptr && std::string_view(forced) == "always") return true;
  if (forced != nullptr && std::string_view(forced) == "never") return false;
  const char* terminal = std::getenv("TERM");
  return terminal != nullptr && std::string_view(terminal) != "dumb" &&
         isatty(STDOUT_FILENO) == 1 && isatty(STDERR_FILENO) == 1;
}

constexpr std::array kFormats = {
    std::pair{"text", ReadFormat::kText},   std::pair{"json", ReadFormat::kJson},
    std::pair{"csv", ReadFormat::kCsv},     std::pair{"details", ReadFormat::kDetails},
    std::pair{"count", ReadFormat::kCount},
};

// Decimal, 0x..., 0b... or (octal) 0..., as babeltrace2 reads its parameters.
Result<std::int64_t> parse_integer(const char* option, const std::string& text) {
  std::string_view digits = text;
  const bool is_negative = digits.starts_with('-');
  if (is_negative || digits.starts_with('+')) digits.remove_prefix(1);
  int base = 10;
  if (digits.starts_with("0x") || digits.starts_with("0b")) {
    base = digits[1] == 'x' ? 16 : 2;
    digits.remove_prefix(2);
  } else if (digits.size() > 1 && digits[0] == '0') {
    base = 8;
  }
  std::uint64_t number = 0;
  std::int64_t value = 0;
  const char* const end = digits.data() + digits.size();
  const auto done = std::from_chars(digits.data(), end, number, base);
  if (done.ec == std::errc() && done.ptr == end &&
      !(is_negative ? __builtin_sub_overflow(0, number, &value)
                    : __builtin_add_overflow(0, number, &value))) {
    return value;
  }
  return fail(Code::kInvalidArgument,
              fmt::format("{} {}: write a whole number of 64 bits", option, text));
}

Result<std::int64_t> clock_offset_of(const ReadOptions& options) {
  auto seconds = parse_integer("--clock-offset", options.clock_offset.value_or("0"));
  if (!seconds) return seconds;
  auto ns = parse_integer("--clock-offset-ns", options.clock_offset_ns.value_or("0"));
  if (!ns) return ns;
  std::int64_t sum = 0;
  if (__builtin_mul_overflow(*seconds, kSecond, &sum) || __builtin_add_overflow(sum, *ns, &sum)) {
    return fail(Code::kInvalidArgument, "--clock-offset: 64 bits of nanoseconds cannot hold it");
  }
  return sum;
}

Status set_range(const ReadOptions& options, ReadPlan* plan) {
  if (options.time_range) {
    if (options.begin || options.end) {
      return fail(Code::kInvalidArgument,
                  "--timerange says --begin and --end: use one or the other");
    }
    const auto range = parse_time_range(*options.time_range, options.clock_gmt);
    if (!range) return tl::unexpected<Error>(range.error());
    plan->begin = range->begin;
    plan->end = range->end;
  }
  const auto set = [&](const std::optional<std::string>& text,
                       std::optional<TimeBound>* bound) -> Status {
    if (!text) return {};
    const auto parsed = parse_time_bound(*text, options.clock_gmt);
    if (!parsed) return tl::unexpected<Error>(parsed.error());
    *bound = *parsed;
    return {};
  };
  SILLAGE_TRY(set(options.begin, &plan->begin));
  return set(options.end, &plan->end);
}

}  // namespace

CLI::App* declare_read(CLI::App* app, ReadOptions* options) {
  CLI::App* read = app->add_subcommand("read", "Print the events of traces, as babeltrace2 does");
  read->add_option("path", options->paths, "Directories of traces, or above them")
      ->type_name("PATH")
      ->required();
  const auto add = [read](const char* names, auto* to, const char* what, const char* type) {
    return read->add_option(names, *to, what)->type_name(type);
  };
  const auto add_list = [&add](const char* names, std::vector<std::string>* to, const char* what,
                               const char* type) {
    add(names, to, what, type)->allow_extra_args(false);
  };
  add("--format", &options->format, "text, json, csv, details, or count: how many events there are",
      "F");
  add_list("--event", &options->events, "Only events like this (* stands for anything)", "PATTERN");
  add("--filter", &options->filter, "Only events for which this is true, such as fd == 3", "EXPR");
  add("--limit", &options->limit, "At most so many events", "N")->check(CLI::NonNegativeNumber);
  add("--threads", &options->threads, "Threads that print or count", "N")
      ->check(CLI::Range(1, 256));
  add("-b,--begin", &options->begin, "Only events from this time on", "TIME");
  add("-e,--end", &options->end, "Only events up to this time", "TIME");
  add("-t,--timerange", &options->time_range, "Both, as BEGIN,END", "RANGE");
  read->add_flag("--stream-intersection", options->stream_intersection,
                 "Only the time in which all data streams of a trace were recorded");
  read->add_flag("--clock-cycles", options->clock_cycles, "Times in cycles of the clock");
  read->add_flag("--clock-date", options->clock_date, "Times with their date");
  read->add_flag("--clock-gmt", options->clock_gmt, "Times in UTC instead of local time");
  read->add_flag("--clock-seconds", options->clock_seconds, "Times in seconds");
  add("--clock-offset", &options->clock_offset, "Add this to all clocks", "SECONDS");
  add("--clock-offset-ns", &options->clock_offset_ns, "Add this to all clocks", "NS");
  read->add_flag("--clock-force-correlate", options->clock_force_correlate,
                 "Traces are always put on one line of time; says so in details");
  add_list("-f,--fields", &options->fields,
           "In front of an event's name: trace, trace:hostname, trace:domain, trace:procname, "
           "trace:vpid, loglevel, emf, all",
           "LIST");
  add_list("-n,--names", &options->names,
           "Names of fields of: payload, context, header, scope, all, none", "LIST");
  read->add_flag("--no-delta", options->no_delta, "Without the time since the event before");
  add("--color", &options->color, "Colours: auto, always, never", "WHEN");
  add("-w,--output", &options->output, "Print into this file", "FILE");
  read->add_flag("--no-pager", options->no_pager, "Never through a pager");
  read->add_flag(
      "--debug-info", options->debug_info,
      "Where each event happened: object, function, source; needs the contexts vpid and ip "
      "and the programs' state dump");
  add("--debug-info-dir", &options->debug_info_dir,
      "Look for files of symbols in DIR instead of /usr/lib/debug", "DIR");
  read->add_flag("--debug-info-full-path", options->debug_info_full_path,
                 "With whole paths of objects and sources");
  add("--debug-info-target-prefix", &options->debug_info_target_prefix,
      "Look for objects below DIR: another machine's files", "DIR");
  read->add_flag("--strict", options->strict, "End at the first damage instead of skipping it");
  return read;
}

Result<ReadPlan> plan_reading(const ReadOptions& options) {
  ReadPlan plan;
  plan.text.clock_cycles = options.clock_cycles;
  plan.text.clock_seconds = options.clock_seconds;
  plan.text.clock_date = options.clock_date;
  plan.text.clock_gmt = options.clock_gmt;
  plan.text.delta = !options.no_delta;
  SILLAGE_TRY(choose(options.fields, "fields", kFields, &plan.text));
  SILLAGE_TRY(choose(options.names, "names", kNames, &plan.text));
  if (options.color != "auto" && options.color != "always" && options.color != "never") {
    return fail(Code::kInvalidArgument,
                "--color " + options.color + ": write auto, always or never");
  }
  plan.is_colour_terminal = options.output.empty() && is_colour_terminal();
  plan.colours_warnings = options.color != "never" && plan.is_colour_terminal;
  plan.text.is_coloured =
      options.color == "always" || (options.color == "auto" && plan.is_colour_terminal);
  const auto format = std::ranges::find(
      kFormats, options.format, [](const auto& each) { return std::string_view(each.first); });
  if (format == kFormats.end()) {
    return fail(Code::kInvalidArgument,
                "--format " + options.format + ": write text, json, csv, details or count");
  }
  plan.format = format->second;
  // Each of the others asks for it, as in babeltrace2.
  if (options.debug_info || options.debug_info_dir || options.debug_info_full_path ||
      options.debug_info_target_prefix) {
    if (plan.format != ReadFormat::kText) {
      return fail(Code::kInvalidArgument,
                  "--debug-info: only --format text shows where events happened");
    }
    plan.symbols = symbols::SearchOptions{options.debug_info_dir.value_or(""),
                                          options.debug_info_target_prefix.value_or(""),
                                          options.debug_info_full_path};
  }
  const auto offset = clock_offset_of(options);
  if (!offset) return tl::unexpected<Error>(offset.error());
  plan.clock_offset_ns = *offset;
  SILLAGE_TRY(set_range(options, &plan));
  return plan;
}

}  // namespace sillage::command
