// SPDX-License-Identifier: MIT
#include "session/log_level.hpp"

#include <array>
#include <charconv>
#include <string>

namespace sillage::session {
namespace {

// Source: parity E11; lttng-ust(3), tracepoint log levels.
constexpr std::array<std::string_view, kMaxLogLevel + 1> kNames = {
    "EMERG",        "ALERT",      "CRIT",           "ERR",           "WARNING",
    "NOTICE",       "INFO",       "DEBUG_SYSTEM",   "DEBUG_PROGRAM", "DEBUG_PROCESS",
    "DEBUG_MODULE", "DEBUG_UNIT", "DEBUG_FUNCTION", "DEBUG_LINE",    "DEBUG"};

}  // namespace

std::string_view log_level_name(std::uint8_t level) {
  return level <= kMaxLogLevel ? kNames[level] : "UNKNOWN";
}

Result<std::uint8_t> parse_log_level(std::string_view text) {
  std::uint8_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number <= kMaxLogLevel)
    return number;
  std::string upper;
  for (char c : text) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  std::string_view name = upper;
  if (name.substr(0, 6) == "TRACE_") name.remove_prefix(6);
  for (std::uint8_t level = 0; level <= kMaxLogLevel; ++level) {
    if (name == kNames[level]) return level;
  }
  std::string message = "there is no log level \"" + std::string(text) + "\"; use one of";
  for (std::string_view known : kNames) message.append(" ").append(known);
  return fail(Code::kInvalidArgument, std::move(message));
}

}  // namespace sillage::session
