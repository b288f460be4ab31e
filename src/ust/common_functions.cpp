// SPDX-License-Identifier: MIT
// liblttng-ust-common.so.1: what programs and LTTng-UST's helper libraries call besides the readers.
#include "ust/exported.hpp"
#include "ust/interface.h"
#include "ust/kernel_call.hpp"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <climits>

UST_EXPORT void lttng_ust_urcu_register(void);

UST_EXPORT void lttng_ust_common_ctor(void) {}
UST_EXPORT void lttng_ust_common_alloc_tls(void) { lttng_ust_urcu_register(); }

// Cancellation of a thread while it holds something: nested.
namespace {
thread_local int g_depth, g_old_state;
}

UST_EXPORT int lttng_ust_cancelstate_disable_push(void) {
  if (g_depth++ > 0) return 0;
  const int error = pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &g_old_state);
  if (error != 0) g_depth--;
  return error == 0 ? 0 : -1;
}
UST_EXPORT int lttng_ust_cancelstate_disable_pop(void) {
  if (g_depth == 0) return -1;
  if (--g_depth > 0) return 0;
  int unused = 0;
  return pthread_setcancelstate(g_old_state, &unused) == 0 ? 0 : -1;
}

// Descriptors that programs must not close by mistake. There are none here: libsillage looks whether a
// descriptor is still its own before it uses one. So who asks may close what it likes.
UST_EXPORT void lttng_ust_lock_fd_tracker(void) {}
UST_EXPORT void lttng_ust_unlock_fd_tracker(void) {}
UST_EXPORT int lttng_ust_add_fd_to_tracker(int fd) { return fd; }
UST_EXPORT void lttng_ust_delete_fd_from_tracker(int /*fd*/) {}
UST_EXPORT int lttng_ust_safe_close_fd(int fd, int (*close_it)(int)) { return close_it(fd); }
UST_EXPORT int lttng_ust_safe_fclose_stream(FILE* stream, int (*close_it)(FILE*)) {
  return close_it(stream);
}
UST_EXPORT int lttng_ust_safe_closefrom_fd(int lowest, int (* /*close_it*/)(int)) {
  if (lowest < 0) {
    errno = EBADF;
    return -1;
  }
  const long done = sillage::ust::kernel_call(SYS_close_range, long{lowest}, long{INT_MAX}, 0L);
  if (done >= 0) return 0;
  errno = static_cast<int>(-done);
  return -1;
}

// Another clock or number of the CPU is used by providers that come after it (plug_ins.cpp).
UST_EXPORT ust_clock* lttng_ust_trace_clock;
ust_clock* lttng_ust_trace_clock = nullptr;
UST_EXPORT int (*lttng_ust_get_cpu_sym)(void);
int (*lttng_ust_get_cpu_sym)(void) = nullptr;

UST_EXPORT int lttng_ust_getcpu_override(int (*getcpu)(void)) {
  int (*none)(void) = nullptr;
  return __atomic_compare_exchange_n(&lttng_ust_get_cpu_sym, &none, getcpu, false, __ATOMIC_RELEASE,
                                     __ATOMIC_RELAXED)
             ? 0
             : -EBUSY;
}
namespace {

std::uint64_t read_clock() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}
std::uint64_t clock_frequency() { return 1'000'000'000; }
int clock_uuid(char* /*uuid*/) { return -EINVAL; }  // it has none
const char* clock_name() { return "monotonic"; }
const char* clock_description() { return "Monotonic Clock"; }

}  // namespace

namespace {

ust_clock g_other_clock;  // as far as it has been given

}  // namespace

UST_EXPORT int lttng_ust_enable_trace_clock_override(void) {
  if (lttng_ust_trace_clock != nullptr) return -EBUSY;
  const ust_clock& other = g_other_clock;
  if (other.read64 == nullptr || other.freq == nullptr || other.uuid == nullptr ||
      other.name == nullptr || other.description == nullptr)
    return -EINVAL;
  __atomic_store_n(&lttng_ust_trace_clock, &g_other_clock, __ATOMIC_RELEASE);
  return 0;
}

// What is there to replace can be asked for, as some plug-ins do to go on from it.
// NOLINTBEGIN(bugprone-macro-parentheses): the name of a member
#define UST_CLOCK_PART(part, own)                                                             \
  UST_EXPORT int lttng_ust_trace_clock_set_##part##_cb(decltype(ust_clock::part) callback) {  \
    if (lttng_ust_trace_clock != nullptr) return -EBUSY;                                      \
    g_other_clock.part = callback;                                                            \
    return 0;                                                                                 \
  }                                                                                           \
  UST_EXPORT int lttng_ust_trace_clock_get_##part##_cb(decltype(ust_clock::part)* callback) { \
    *callback = lttng_ust_trace_clock == nullptr ? own : lttng_ust_trace_clock->part;         \
    return 0;                                                                                 \
  }
// NOLINTEND(bugprone-macro-parentheses)
UST_CLOCK_PART(read64, read_clock)
UST_CLOCK_PART(freq, clock_frequency)
UST_CLOCK_PART(uuid, clock_uuid)
UST_CLOCK_PART(name, clock_name)
UST_CLOCK_PART(description, clock_description)
#undef UST_CLOCK_PART
