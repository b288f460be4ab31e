// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sillage::collect {

/// Events that were sent and are not in the trace, by cause.
struct LostEvents {
  std::uint64_t full = 0;     ///< discard mode: no free sub-buffer
  std::uint64_t too_big = 0;  ///< larger than a sub-buffer can hold
  std::uint64_t busy = 0;  ///< every try-locked stream, or what a kernel program needs, was taken
  std::uint64_t timeout = 0;  ///< blocking channel: waited in vain
  std::uint64_t other = 0;    ///< causes this release does not know
  std::uint64_t overrun = 0;  ///< overwrite mode: overwritten before they were read
  std::uint64_t corrupt = 0;  ///< records or accounts that cannot be
  std::uint64_t disk = 0;     ///< the output had no room or failed
  std::uint64_t nested = 0;   ///< the kernel did not run a program within itself
  /// All of them.
  [[nodiscard]] std::uint64_t total() const {
    return full + too_big + busy + timeout + other + overrun + corrupt + disk + nested;
  }
  void add(const LostEvents& more) {
    full += more.full;
    too_big += more.too_big;
    busy += more.busy;
    timeout += more.timeout;
    other += more.other;
    overrun += more.overrun;
    corrupt += more.corrupt;
    disk += more.disk;
    nested += more.nested;
  }
};

/// What a recording amounts to so far.
struct Stats {
  std::uint64_t events = 0;  ///< in packets that are on disk
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  ///< of the stream files
  LostEvents lost;
  std::uint64_t rejected = 0;         ///< by filters in programs: neither recorded nor lost
  std::uint64_t overrun_packets = 0;  ///< sub-buffers overwritten before they were read
  std::uint64_t corrupt_packets = 0;  ///< sub-buffers skipped or cut short: impossible contents
  std::uint64_t pending = 0;          ///< events published in rings and not read yet
  bool output_failing = false;        ///< packets are being dropped now: `output_error` says why
  std::string output_error;           ///< the last failure of the output, empty if there was none

  std::string input_error{};  ///< what went wrong with the buffers themselves, empty if nothing did

  /// Adds the counts of channels that have ended.
  void add(const Stats& other) {
    events += other.events;
    packets += other.packets;
    bytes += other.bytes;
    lost.add(other.lost);
    rejected += other.rejected;
    overrun_packets += other.overrun_packets;
    corrupt_packets += other.corrupt_packets;
  }
};

/// What became of one channel's events so far; what it lost, as LTTng's users know it.
struct ChannelStats {
  std::uint64_t discarded_events = 0;  ///< all but those in lost packets
  std::uint64_t lost_packets = 0;      ///< overwritten before they were read
  std::uint64_t sent_events = 0;       ///< recorded or lost
  std::uint64_t rejected_events = 0;   ///< by filters in programs

  void add(const ChannelStats& more) {
    discarded_events += more.discarded_events;
    lost_packets += more.lost_packets;
    sent_events += more.sent_events;
    rejected_events += more.rejected_events;
  }
};

/// What the sub-buffers of one CPU, or of all where they share a buffer, take of the machine's memory.
struct StreamMemory {
  std::optional<std::uint32_t> cpu{};
  std::uint64_t bytes = 0, max_bytes = 0;
};

}  // namespace sillage::collect
