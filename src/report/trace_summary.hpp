// SPDX-License-Identifier: MIT
// What is in a trace: counts, bytes, times, losses.
#pragma once

#include "ctf/trace_reader.hpp"
#include "report/packet_losses.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sillage::report {

/// Nanoseconds from the clock's origin.
struct TimeSpan {
  std::optional<std::int64_t> begin_ns{}, end_ns{};

  void add(std::int64_t ns) {
    if (!begin_ns || ns < *begin_ns) begin_ns = ns;
    if (!end_ns || ns > *end_ns) end_ns = ns;
  }
  void add(const TimeSpan& other) {
    if (other.begin_ns) add(*other.begin_ns);
    if (other.end_ns) add(*other.end_ns);
  }
};

/// One data stream.
struct StreamSummary {
  const ctf::DataStream* stream = nullptr;
  std::uint64_t packets = 0, events = 0;
  std::uint64_t bytes = 0;  ///< of whole packets
  TimeSpan time{};          ///< what packets say, or else the events
  LossTotal lost{};
};

/// All events of one name.
struct EventSummary {
  std::uint64_t count = 0;
  std::uint64_t bits = 0;  ///< of whole records, alignment included
};

/// One trace.
struct TraceSummary {
  const ctf::Trace* trace = nullptr;
  std::vector<StreamSummary> streams{};
  std::map<std::string, EventSummary> events{};  ///< by name; all classes, recorded or not
  std::uint64_t packet_count = 0, event_count = 0, bytes = 0;
  TimeSpan time{};
  LossTotal lost{};
};

/// Looks at every event record of the traces of `reader`, from which nothing was read yet.
///
/// Lifetime: `reader` must outlive what is returned. `on_damage`: what cannot be decoded.
/// Cost:     records are found, not decoded, where that is possible.
[[nodiscard]] std::vector<TraceSummary> summarize(const ctf::TraceReader& reader,
                                                  const ctf::DamageReport& on_damage);

/// Events that occur most first, equal ones by name.
[[nodiscard]] std::vector<std::pair<std::string, EventSummary>> by_count(
    const std::map<std::string, EventSummary>& events);

/// The version of CTF: "1.8" or "2".
[[nodiscard]] const char* version_text(const ctf::Trace& trace);

}  // namespace sillage::report
