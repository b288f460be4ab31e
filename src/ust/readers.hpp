// SPDX-License-Identifier: MIT
// What liblttng-ust-common.so.1 gives the other two libraries: who is inside a tracepoint.
#pragma once

#include "ust/exported.hpp"

#include <cstdint>

namespace sillage::ust {

constexpr unsigned long kReaderOne = 1;
constexpr unsigned long kReaderNesting = (1UL << (sizeof(long) << 2)) - 1;

/// What a thread shows of itself. `ctr` first: readers that are inlined in programs write it.
struct alignas(128) Reader {
  unsigned long ctr;  ///< in its low half how deep the thread is inside
  std::uint32_t is_used;
  std::uint32_t has_no_membarrier;  ///< lttng_ust_urcu_has_sys_membarrier, where it is at hand
};

struct alignas(128) Period {
  unsigned long ctr;
};

}  // namespace sillage::ust

// Names and layout of these three are LTTng's interface: the period is what an outermost reader starts from.
UST_EXPORT sillage::ust::Period lttng_ust_urcu_gp;
UST_EXPORT int lttng_ust_urcu_has_sys_membarrier;
extern "C"
    __attribute__((visibility("default"))) __thread sillage::ust::Reader* lttng_ust_urcu_reader;
UST_EXPORT void lttng_ust_urcu_register(void);

namespace sillage::ust {

/// Orders a reader's count and its accesses. With membarrier(2) the waiting side pays for it.
[[gnu::always_inline]] inline void order(const Reader* reader) {
  if (reader->has_no_membarrier == 0) [[likely]]
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
  else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/// One instruction, so that a signal handler cannot come between; an outermost reader's count is then the period's, which
/// never changes.
[[gnu::always_inline]] inline void add_to_count(Reader* reader, unsigned long value) {
#if defined(__x86_64__)
  asm volatile("addq %1, %0" : "+m"(reader->ctr) : "er"(value) : "cc", "memory");
#elif defined(__i386__)
  asm volatile("addl %1, %0" : "+m"(reader->ctr) : "er"(value) : "cc", "memory");
#else
  __atomic_store_n(&reader->ctr, reader->ctr + value, __ATOMIC_RELEASE);
#endif
}

/// The first time in a thread. A function of its own, so that others need no registers for the call.
[[gnu::noinline, gnu::cold]] inline void enter_new_reader() {
  lttng_ust_urcu_register();
  add_to_count(lttng_ust_urcu_reader, kReaderOne);
  order(lttng_ust_urcu_reader);
}

[[gnu::always_inline]] inline void enter_reader() {
  Reader* reader = lttng_ust_urcu_reader;
  if (reader == nullptr) [[unlikely]]
    return enter_new_reader();
  add_to_count(reader, kReaderOne);
  order(reader);
}

[[gnu::always_inline]] inline void leave_reader() {
  Reader* reader = lttng_ust_urcu_reader;
  order(reader);
  // x86 stores in order: what was read inside has been read.
  add_to_count(reader, -kReaderOne);
}

}  // namespace sillage::ust

/// Waits until every thread that was inside a tracepoint has come out of it.
///
/// Returns 0, or -1 if a thread is still inside after some seconds (stopped by a debugger): what it may use must stay.
UST_EXPORT int sillage_ust_wait_for_readers(void);
