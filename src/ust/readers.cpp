// SPDX-License-Identifier: MIT
// Readers of tracepoints and the wait for them, with the names and the memory layout that LTTng-UST's own flavour of
// RCU has: programs that define _LGPL_SOURCE have its readers' half inlined.
//
// A thread inside a tracepoint has a count in the low half of its reader's `ctr`. Who takes something away first unlinks it,
// then waits until each reader was seen outside once. Readers are not counted by phase, as the name of the
// constant would have it: waiting is rare, and seeing each of them outside once is enough.
#include "ust/readers.hpp"

#include "probe/thread_records.hpp"
#include "ust/kernel_call.hpp"

#include <linux/membarrier.h>
#include <time.h>

using namespace sillage::ust;

namespace {

constexpr int kMaxPolls = 20'000;  // of 0.25 ms: five seconds

sillage::probe::ThreadRecords<Reader> g_readers;
// Of threads for which there was no memory; nobody waits for them.
Reader g_nameless;

}  // namespace

Period lttng_ust_urcu_gp = {kReaderOne};
int lttng_ust_urcu_has_sys_membarrier = 0;
__thread Reader* lttng_ust_urcu_reader = nullptr;

namespace {

void order_all_readers() {
  if (lttng_ust_urcu_has_sys_membarrier != 0)
    kernel_call(SYS_membarrier, long{MEMBARRIER_CMD_PRIVATE_EXPEDITED}, 0L, 0L);
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void on_thread_exit(void* record) {
  auto* reader = static_cast<Reader*>(record);
  lttng_ust_urcu_reader = nullptr;
  __atomic_store_n(&reader->ctr, 0, __ATOMIC_RELEASE);
  g_readers.give_back(reader);
}

[[gnu::noinline]] Reader* register_reader() {
  Reader* reader = g_readers.take();
  if (lttng_ust_urcu_reader != nullptr) {  // by a signal handler meanwhile
    if (reader != nullptr) g_readers.give_back(reader);
    return lttng_ust_urcu_reader;
  }
  lttng_ust_urcu_reader = reader != nullptr ? reader : &g_nameless;
  lttng_ust_urcu_reader->has_no_membarrier = lttng_ust_urcu_has_sys_membarrier == 0 ? 1 : 0;
  if (reader != nullptr) g_readers.keep(reader);
  return lttng_ust_urcu_reader;
}

void on_fork_child() {
  g_readers.give_back_all_but(lttng_ust_urcu_reader, [](Reader& reader) { reader.ctr = 0; });
  // What the kernel knows of a process is not handed down by clone(2).
  if (lttng_ust_urcu_has_sys_membarrier != 0)
    kernel_call(SYS_membarrier, long{MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED}, 0L, 0L);
}

[[gnu::constructor]] void start() {
  g_readers.start(on_thread_exit);
  pthread_atfork(nullptr, nullptr, on_fork_child);
  lttng_ust_urcu_has_sys_membarrier =
      kernel_call(SYS_membarrier, long{MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED}, 0L, 0L) == 0;
}

}  // namespace

void lttng_ust_urcu_register(void) {
  if (lttng_ust_urcu_reader == nullptr) register_reader();
}
UST_EXPORT void lttng_ust_urcu_register_thread(void) { lttng_ust_urcu_register(); }

UST_EXPORT void lttng_ust_urcu_read_lock(void) { enter_reader(); }
UST_EXPORT void lttng_ust_urcu_read_unlock(void) { leave_reader(); }

UST_EXPORT int lttng_ust_urcu_read_ongoing(void) {
  lttng_ust_urcu_register();
  return (lttng_ust_urcu_reader->ctr & kReaderNesting) != 0 ? 1 : 0;
}

int sillage_ust_wait_for_readers(void) {
  order_all_readers();
  int polls = 0;
  bool is_over = true;
  g_readers.for_each([&](Reader& reader) {
    // A thread that takes itself away while it is inside must not wait for itself.
    if (&reader == lttng_ust_urcu_reader) return;
    while ((__atomic_load_n(&reader.ctr, __ATOMIC_ACQUIRE) & kReaderNesting) != 0) {
      if (polls++ >= kMaxPolls) {
        is_over = false;
        return;
      }
      timespec pause = {0, 250'000};
      kernel_call(SYS_nanosleep, &pause, nullptr);
    }
  });
  order_all_readers();
  return is_over ? 0 : -1;
}

UST_EXPORT void lttng_ust_urcu_synchronize_rcu(void) { sillage_ust_wait_for_readers(); }

// Children need nothing done for them: on_fork_child() runs in each.
UST_EXPORT void lttng_ust_urcu_before_fork(void) {}
UST_EXPORT void lttng_ust_urcu_after_fork_parent(void) {}
UST_EXPORT void lttng_ust_urcu_after_fork_child(void) {}

UST_EXPORT void* lttng_ust_rcu_dereference_sym(void* pointer) { return pointer; }
UST_EXPORT void* lttng_ust_rcu_set_pointer_sym(void** to, void* value) {
  __atomic_store_n(to, value, __ATOMIC_SEQ_CST);
  return value;
}
UST_EXPORT void* lttng_ust_rcu_xchg_pointer_sym(void** to, void* value) {
  return __atomic_exchange_n(to, value, __ATOMIC_SEQ_CST);
}
UST_EXPORT void* lttng_ust_rcu_cmpxchg_pointer_sym(void** to, void* old, void* value) {
  __atomic_compare_exchange_n(to, &old, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return old;
}
