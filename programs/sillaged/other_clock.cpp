// SPDX-License-Identifier: MIT
#include "sillaged/other_clock.hpp"

#include <algorithm>
#include <string>

namespace sillage::daemon {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// What CTF 1.8 can call a clock.
std::string identifier(std::string name) {
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !is_word(c); }, '_');
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) name.insert(name.begin(), '_');
  return name;
}

bool is_uuid(const std::string& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = text[i];
    const bool is_digit =
        (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
    if (is_dash ? c != '-' : !is_digit) return false;
  }
  return text.size() == 36;
}

}  // namespace

void set_clock(const apps::AppClock& clock, std::int64_t realtime_offset_ns,
               collect::TraceOptions* options) {
  __extension__ using Wide = __int128;
  constexpr Wide kSecond = 1'000'000'000;
  const Wide frequency = clock.frequency_hz;
  const Wide now_ns = Wide{realtime_offset_ns} + Wide{clock.monotonic_ns};
  // What it would say had it begun with the Unix epoch, minus what it said.
  const Wide offset = now_ns * frequency / kSecond - Wide{clock.value};
  const Wide seconds = offset / frequency - (offset % frequency < 0 ? 1 : 0);
  ctf::ClockClass made;
  made.id = identifier(clock.name);
  made.name = clock.name;
  made.uid = is_uuid(clock.uuid) ? clock.uuid : "";
  made.description = clock.description;
  made.frequency_hz = clock.frequency_hz;
  made.offset_seconds = static_cast<std::int64_t>(seconds);
  made.offset_cycles = static_cast<std::uint64_t>(offset - seconds * frequency);
  options->clock = std::move(made);
  options->clock_value = clock.value;
}

void write_clock(const apps::AppClock& clock, v1::OtherClock* to) {
  to->set_frequency_hz(clock.frequency_hz);
  to->set_value(clock.value);
  to->set_monotonic_ns(clock.monotonic_ns);
  to->set_uuid(clock.uuid);
  to->set_name(clock.name);
  to->set_description(clock.description);
}

apps::AppClock read_clock(const v1::OtherClock& from) {
  return {std::max<std::uint64_t>(from.frequency_hz(), 1),
          from.value(),
          from.monotonic_ns(),
          from.uuid(),
          from.name(),
          from.description()};
}

}  // namespace sillage::daemon
