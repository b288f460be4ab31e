// SPDX-License-Identifier: MIT
#include "sillage/units.hpp"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

namespace sillage::command {
namespace {
constexpr std::uint64_t kSecond = 1'000'000'000;
}

Result<std::uint64_t> parse_size(std::string_view text) {
  auto wrong = [&] {
    return fail(Code::kInvalidArgument,
                fmt::format("\"{}\" is no size: use a number with k, M or G, such as 512k", text));
  };
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number == 0) return wrong();
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  unsigned shift = 0;
  if (unit == "k" || unit == "K") {
    shift = 10;
  } else if (unit == "m" || unit == "M") {
    shift = 20;
  } else if (unit == "g" || unit == "G") {
    shift = 30;
  } else if (!unit.empty()) {
    return wrong();
  }
  if (number > UINT64_MAX >> shift) return wrong();
  return number << shift;
}

Result<std::uint64_t> parse_duration(std::string_view text, std::uint64_t bare_ns) {
  auto wrong = [&] {
    return fail(
        Code::kInvalidArgument,
        fmt::format("\"{}\" is no time: use a number with us, ms, s, m or h, such as 1.5s", text));
  };
  double number = 0;
  auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !(number >= 0)) return wrong();
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  constexpr std::array<std::pair<std::string_view, std::uint64_t>, 5> kUnits = {
      {{"us", 1000},
       {"ms", 1'000'000},
       {"s", kSecond},
       {"m", 60 * kSecond},
       {"h", 3600 * kSecond}}};
  std::uint64_t factor = unit.empty() ? bare_ns : 0;
  for (const auto& [name, ns] : kUnits) {
    if (unit == name) factor = ns;
  }
  const double ns = number * static_cast<double>(factor);
  if (factor == 0 || !(ns < 9.2e18)) return wrong();
  return static_cast<std::uint64_t>(std::llround(ns));
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

std::string size_text(std::uint64_t bytes) {
  if (bytes < 1024) return fmt::format("{} B", bytes);
  constexpr std::array<const char*, 5> kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB"};
  auto value = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string duration_text(std::uint64_t ns) {
  if (ns >= 120 * kSecond)
    return fmt::format("{} min {} s", ns / (60 * kSecond), ns / kSecond % 60);
  const double seconds = static_cast<double>(ns) / static_cast<double>(kSecond);
  return seconds < 1 ? fmt::format("{:.3f} s", seconds) : fmt::format("{:.2f} s", seconds);
}

}  // namespace sillage::command
