// SPDX-License-Identifier: MIT
#include "sillage/read_time.hpp"

#include <fmt/core.h>

#include <charconv>
#include <ctime>
#include <string>

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
std::optional<std::int64_t> parse_time_of_day(std::string_view text, bool is_gmt) {
  int hour = 0, minute = 0, second = 0;
  if (!take_digits(&text, 2, &hour) || !take(&text, ':') || !take_digits(&text, 2, &minute)) {
    return std::nullopt;
  }
  std::optional<std::int64_t> fraction = 0;
  if (!text.empty()) {
    if (!take(&text, ':') || !take_digits(&text, 2, &second)) return std::nullopt;
    fraction = parse_fraction(text);
  }
  if (!fraction || (is_gmt && (hour > 23 || minute > 59 || second > 60))) return std::nullopt;
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
  if (is_gmt && (month < 1 || month > 12 || day < 1 || day > 31)) return std::nullopt;
  std::int64_t time_of_day = 0;
  if (!text.empty()) {
    if (!take(&text, ' ')) return std::nullopt;
    const auto time = parse_time_of_day(text, is_gmt);
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
  if (const auto time = parse_time_of_day(text, is_gmt))
    return TimeBound{.ns = {}, .time_of_day_ns = *time};
  if (!text.empty() && text != "-") {
    if (const auto bound = parse_seconds(text)) return *bound;
  }
  return fail(Code::kInvalidArgument,
              fmt::format("\"{}\" is not a time: write \"YYYY-MM-DD HH:MM:SS.NS\", \"HH:MM:SS.NS\" "
                          "or seconds such as 12.5",
                          text));
}

Result<TimeBounds> parse_time_range(std::string_view text, bool is_gmt) {
  const std::string_view typed = text;
  take(&text, '[');
  if (text.ends_with(']')) text.remove_suffix(1);
  const std::size_t comma = text.find(',');
  if (comma == 0 || comma == std::string_view::npos || comma + 1 == text.size()) {
    return fail(Code::kInvalidArgument,
                fmt::format("\"{}\" is not a range of time: write BEGIN,END", typed));
  }
  const auto begin = parse_time_bound(text.substr(0, comma), is_gmt);
  if (!begin) return tl::unexpected<Error>(begin.error());
  const auto end = parse_time_bound(text.substr(comma + 1), is_gmt);
  if (!end) return tl::unexpected<Error>(end.error());
  return TimeBounds{.begin = *begin, .end = *end};
}

}  // namespace sillage::command
