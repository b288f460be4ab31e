// SPDX-License-Identifier: MIT
#include "sillage/read_options.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <ctime>

namespace sillage::command {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Reads exactly so many digits.
bool take_digits(std::string_view* text, std::size_t count, int* value) {
  if (text->size() < count) return false;
  const char* end = text->data() + count;
  const auto done = std::from_chars(text->data(), end, *value);
  if (done.ec != std::errc() || done.ptr != end || (*text)[0] == '-') return false;
  text->remove_prefix(count);
  return true;
}

bool take(std::string_view* text, char character) {
  if (text->empty() || text->front() != character) return false;
  text->remove_prefix(1);
  return true;
}

// What stands behind the point: ".5" is half a second. Empty text is 0.
std::optional<std::int64_t> parse_fraction(std::string_view text) {
  if (text.empty()) return 0;
  if (!take(&text, '.') || text.empty() || text.size() > 9) return std::nullopt;
  std::int64_t ns = 0;
  for (std::size_t i = 0; i < 9; ++i) {
    const char digit = i < text.size() ? text[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    ns = 10 * ns + (digit - '0');
  }
  return ns;
}

// "HH:MM[:SS[.NS]]"
std::optional<std::int64_t> parse_time_of_day(std::string_view text) {
  int hour = 0, minute = 0, second = 0;
  if (!take_digits(&text, 2, &hour) || !take(&text, ':') || !take_digits(&text, 2, &minute)) {
    return std::nullopt;
  }
  if (take(&text, ':') && !take_digits(&text, 2, &second)) return std::nullopt;
  const auto fraction = parse_fraction(text);
  if (!fraction) return std::nullopt;
  return ((hour * 60 + minute) * 60 + second) * kSecond + *fraction;
}

// Midnight of a date, or a time of it; the C library knows about summer time.
std::optional<std::int64_t> ns_of(std::tm fields, std::int64_t time_of_day_ns, bool is_gmt) {
  const std::int64_t seconds = time_of_day_ns / kSecond;
  fields.tm_hour = static_cast<int>(seconds / 3600);
  fields.tm_min = static_cast<int>(seconds / 60 % 60);
  fields.tm_sec = static_cast<int>(seconds % 60);
  fields.tm_isdst = -1;
  const std::time_t time = is_gmt ? timegm(&fields) : mktime(&fields);
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(std::int64_t{time}, kSecond, &ns)) return std::nullopt;
  return ns + time_of_day_ns % kSecond;
}

std::optional<TimeBound> parse_date(std::string_view text, bool is_gmt) {
  int year = 0, month = 0, day = 0;
  if (!take_digits(&text, 4, &year) || !take(&text, '-') || !take_digits(&text, 2, &month) ||
      !take(&text, '-') || !take_digits(&text, 2, &day)) {
    return std::nullopt;
  }
  std::int64_t time_of_day = 0;
  if (!text.empty()) {
    if (!take(&text, ' ')) return std::nullopt;
    const auto time = parse_time_of_day(text);
    if (!time) return std::nullopt;
    time_of_day = *time;
  }
  std::tm fields{};
  fields.tm_year = year - 1900;
  fields.tm_mon = month - 1;
  fields.tm_mday = day;
  const auto ns = ns_of(fields, time_of_day, is_gmt);
  if (!ns) return std::nullopt;
  return TimeBound{.ns = ns};
}

std::optional<TimeBound> parse_seconds(std::string_view text) {
  const bool is_negative = take(&text, '-');
  std::int64_t seconds = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (done.ec != std::errc() || text.front() == '-') return std::nullopt;
  const auto fraction =
      parse_fraction(text.substr(static_cast<std::size_t>(done.ptr - text.data())));
  std::int64_t ns = 0;
  if (!fraction || __builtin_mul_overflow(seconds, kSecond, &ns) ||
      __builtin_add_overflow(ns, *fraction, &ns)) {
    return std::nullopt;
  }
  return TimeBound{.ns = is_negative ? -ns : ns};
}

std::vector<std::string> split(const std::vector<std::string>& lists) {
  std::vector<std::string> parts;
  for (const std::string& list : lists) {
    std::size_t from = 0;
    while (from <= list.size()) {
      const std::size_t comma = std::min(list.find(',', from), list.size());
      parts.push_back(list.substr(from, comma - from));
      from = comma + 1;
    }
  }
  return parts;
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
};
constexpr std::array kNames = {
    Switch{"payload", &ctf::TextOptions::payload_names},
    Switch{"context", &ctf::TextOptions::context_names},
    Switch{"header", &ctf::TextOptions::header_names},
    Switch{"scope", &ctf::TextOptions::scope_names},
};

// Once one is named, only those that are named are shown.
template <std::size_t kCount>
Status choose(const std::vector<std::string>& lists, const char* option,
              const std::array<Switch, kCount>& switches, ctf::TextOptions* text) {
  if (lists.empty()) return {};
  for (const Switch& each : switches) text->*each.option = false;
  for (const std::string& part : split(lists)) {
    bool is_known = part == "all" || part == "none" || part == "callsite";
    for (const Switch& each : switches) {
      if (part != "all" && part != each.name) continue;
      text->*each.option = true;
      is_known = true;
    }
    if (is_known) continue;
    std::string known;
    for (const Switch& each : switches) known += std::string(each.name) + ", ";
    return fail(Code::kInvalidArgument,
                fmt::format("--{} {}: there is no such one; there are {}all and none", option, part,
                            known));
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

}  // namespace

std::int64_t TimeBound::resolve(std::int64_t trace_begin_ns, bool is_gmt) const {
  if (ns) return *ns;
  const std::time_t begin = trace_begin_ns / kSecond - (trace_begin_ns % kSecond < 0 ? 1 : 0);
  std::tm fields{};
  if ((is_gmt ? gmtime_r(&begin, &fields) : localtime_r(&begin, &fields)) == nullptr) {
    return time_of_day_ns;
  }
  return ns_of(fields, time_of_day_ns, is_gmt).value_or(time_of_day_ns);
}

Result<TimeBound> parse_time_bound(std::string_view text, bool is_gmt) {
  if (const auto bound = parse_date(text, is_gmt)) return *bound;
  if (const auto time = parse_time_of_day(text)) return TimeBound{.ns = {}, .time_of_day_ns = *time};
  if (!text.empty() && text != "-") {
    if (const auto bound = parse_seconds(text)) return *bound;
  }
  return fail(Code::kInvalidArgument,
              fmt::format("\"{}\" is not a time: write \"YYYY-MM-DD HH:MM:SS.NS\", \"HH:MM:SS.NS\" "
                          "or seconds such as 12.5",
                          text));
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
  plan.colours_warnings = options.color == "auto" && is_colour_terminal();
  plan.text.is_coloured = options.color == "always" || plan.colours_warnings;
  if (options.format != "text" && options.format != "count") {
    return fail(Code::kInvalidArgument, "--format " + options.format + ": write text or count");
  }
  plan.counts = options.format == "count";
  std::int64_t offset_ns = 0;
  if (__builtin_mul_overflow(options.clock_offset_s, kSecond, &offset_ns) ||
      __builtin_add_overflow(offset_ns, options.clock_offset_ns, &plan.clock_offset_ns)) {
    return fail(Code::kInvalidArgument, "--clock-offset: 64 bits of nanoseconds cannot hold it");
  }
  std::string begin = options.begin, end = options.end;
  if (!options.time_range.empty()) {
    if (!begin.empty() || !end.empty()) {
      return fail(Code::kInvalidArgument, "--timerange says --begin and --end: use one or the other");
    }
    std::string_view range = options.time_range;
    if (range.size() >= 2 && range.front() == '[' && range.back() == ']') {
      range = range.substr(1, range.size() - 2);
    }
    const std::size_t comma = range.find(',');
    if (comma == std::string_view::npos) {
      return fail(Code::kInvalidArgument, "--timerange: write BEGIN,END");
    }
    begin = range.substr(0, comma);
    end = range.substr(comma + 1);
  }
  const auto set = [&](const std::string& text, std::optional<TimeBound>* bound) -> Status {
    if (text.empty()) return {};
    auto parsed = parse_time_bound(text, options.clock_gmt);
    if (!parsed) return tl::unexpected<Error>(std::move(parsed).error());
    *bound = *parsed;
    return {};
  };
  SILLAGE_TRY(set(begin, &plan.begin));
  SILLAGE_TRY(set(end, &plan.end));
  return plan;
}

}  // namespace sillage::command
