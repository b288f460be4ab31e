// SPDX-License-Identifier: MIT
// Counters of perf that count for one thread: those that contexts of events record.
#pragma once

#include <linux/perf_event.h>

#include <cstdint>

namespace sillage::probe {

/// A counter of a ring's contexts. Its place in what threads have, and which of those that were ever there it is.
struct RingCounter {
  std::uint64_t config;
  std::uint32_t type;
  std::uint32_t place;
  std::uint32_t serial;  ///< 0: there was no place
};

/// Finds places for counters of a collector's reply, `count` of struct sillage_app_counter; equal ones have one place.
///
/// Returns: `count` counters, in memory that is never freed; nullptr if there is none.
/// Threads: under the library's lock (image.cpp), as release_counters().
[[nodiscard]] const RingCounter* acquire_counters(const char* wire, std::uint32_t count);

/// Gives them back. What no ring has any more is closed, in all threads.
void release_counters(const RingCounter* counters, std::uint32_t count);

/// What a counter has counted for the calling thread, outside the kernel, since that read it first; 0 where the kernel
/// gives the program no such counter.
///
/// The first time a thread opens it: a descriptor of its own, high up, until the thread ends. What the thread does in
/// the meantime is blocked signals and system calls; memory comes from mmap(2).
/// Threads: any; async-signal-safe as far as ThreadRecords::keep() is.
/// Cost: two system calls, one to see that the descriptor still is ours; none where the processor can be asked (x86).
std::uint64_t read_counter(const RingCounter& counter);

/// In a fork child: closes the parent's, which the child has descriptors of.
void leave_parents_counters();

/// Reads a counter of the processor by what the kernel says of it, if it is there just now; `read_register` is told which.
///
/// Source: linux/perf_event.h, struct perf_event_mmap_page.
template <class ReadRegister>
bool read_from_page(const perf_event_mmap_page& page, ReadRegister read_register,
                    std::uint64_t* value) {
  std::uint32_t before;
  do {
    before = __atomic_load_n(&page.lock, __ATOMIC_RELAXED);
    // The kernel changes the page on this CPU, where program order is all it takes.
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    const std::uint32_t index = __atomic_load_n(&page.index, __ATOMIC_RELAXED);
    const std::uint32_t width = __atomic_load_n(&page.pmc_width, __ATOMIC_RELAXED);
    if (page.cap_bit0_is_deprecated == 0 || page.cap_user_rdpmc == 0 || index == 0 || width == 0 ||
        width > 64)
      return false;
    // Sign-extended: the kernel has it begin below zero.
    const auto raw = static_cast<std::int64_t>(read_register(index - 1) << (64 - width));
    const std::int64_t offset = *const_cast<const volatile __s64*>(&page.offset);
    *value = static_cast<std::uint64_t>(offset + (raw >> (64 - width)));
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  } while (__atomic_load_n(&page.lock, __ATOMIC_RELAXED) != before);
  return true;
}

}  // namespace sillage::probe
