// SPDX-License-Identifier: MIT
// The maps that the programs of one channel share with the collector, and among themselves.
#pragma once

#include "base/fd.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace sillage::kernel {

/// Bytes of one scratch area: its lock, then what a program puts together before it reserves.
inline constexpr std::uint32_t kScratchBytes = 32768;
inline constexpr std::uint32_t kScratchLockBytes = 8;
/// Scratch areas of a CPU: a task, its softirq, an interrupt, an NMI, and four tasks more that were preempted in
/// a program that may be.
inline constexpr std::uint32_t kScratchAreas = 8;

/// The map of a ring: `cpu_count` elements of `stream_bytes` (src/abi/kernel_ring.h), which the
/// collector maps.
///
/// Errors: kPermission  no CAP_BPF; kNoSpace  not that much memory; the message names how much.
[[nodiscard]] Result<Fd> create_ring_map(std::uint64_t stream_bytes, std::uint32_t cpu_count);

/// Memory of the reader's own, all 0, which no program touches: mapped, it can be pinned beside the ring.
[[nodiscard]] Result<Fd> create_reader_map(std::uint64_t bytes);

/// Bytes of an element and how many there are, as the kernel says.
struct MapShape {
  std::uint32_t value_bytes = 0, entries = 0;
};
[[nodiscard]] Result<MapShape> map_shape(int map_fd);

/// kScratchAreas areas for each CPU: area N of a CPU is element CPU * kScratchAreas + N.
[[nodiscard]] Result<Fd> create_scratch_map(std::uint32_t cpu_count);

/// A BPF ring buffer of one page, readable (epoll) when a program has posted to it.
[[nodiscard]] Result<Fd> create_wakeup_map();

/// A table of one address of each CPU, all 0.
[[nodiscard]] Result<Fd> create_address_map(std::uint32_t cpu_count);

/// A map of one number, which set_number() sets and programs read.
[[nodiscard]] Result<Fd> create_number_map(std::uint32_t value);
[[nodiscard]] Status set_number(int map_fd, std::uint32_t value);

/// A map of `count` bytes, all 0; set_flags() sets them all and programs read.
[[nodiscard]] Result<Fd> create_flags_map(std::uint32_t count);
[[nodiscard]] Status set_flags(int map_fd, std::span<const std::uint8_t> flags);

/// A map of `count` numbers of 64 bits, all 0, to which programs add; read_tallies() gets them.
///
/// Errors: kNoSpace and the like  as many are too many for a map: 4 MiB before Linux 5.11.
[[nodiscard]] Result<Fd> create_tally_map(std::size_t count);
[[nodiscard]] Status read_tallies(int map_fd, std::span<std::uint64_t> tallies);

/// Sets of numbers that programs look up: each set is one map, kept for the programs that are loaded soon after. Programs
/// keep what they use.
class SetMaps {
 public:
  /// The map of these numbers, 8 bytes each; its descriptor lasts for the next kKept - 1 new sets.
  ///
  /// Cost:   some us a number, once.
  [[nodiscard]] Result<int> find(const std::vector<std::int64_t>& values);

 private:
  static constexpr std::size_t kKept = 8;  // there are 6 attributes of processes
  struct Set {
    std::vector<std::int64_t> values;
    Fd map;
  };
  std::vector<Set> sets_;
};

/// A table of programs for tail calls, by number below `count`.
[[nodiscard]] Result<Fd> create_program_table(std::uint32_t count);

/// Puts a program into such a table.
[[nodiscard]] Status set_program(int table_fd, std::uint32_t number, int program_fd);
/// Takes the program at `index` out; nothing happens if there is none.
void clear_program(int table_fd, std::uint32_t index);

/// A table of counters of perf, one of each CPU, that outlives who filled it.
[[nodiscard]] Result<Fd> create_counter_map(std::uint32_t cpu_count);

/// Puts the counter of a CPU into it.
[[nodiscard]] Status set_counter(int table_fd, std::uint32_t cpu, int counter_fd);

}  // namespace sillage::kernel
