// SPDX-License-Identifier: MIT
// The watcher sleeps in one system call until a collector rings a bell (abi/catalog.h). It is a thread that libc knows: one
// that it does not would keep its user when the program gives up root. It blocks all signals, and uses system calls without
// libc, so that it is neither a point of cancellation nor seen by interposed functions.
#include "ust/watcher.hpp"

#include "probe/foreign_sites.h"
#include "ust/kernel_call.hpp"
#include "ust/providers.hpp"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include <cstddef>

namespace sillage::ust {

namespace {

std::uint32_t g_always = 1;

// 126 images, that of the state dump and the word that says that there are others. The kernel's limit is 128.
constexpr std::uint32_t kMaxWords = 128;
constexpr std::size_t kStackBytes = 256 * 1024;  // with the program's thread-local memory
// More images than words are heard of by looking.
constexpr long kLookManyNs = 50'000'000;

futex_waitv g_words[kMaxWords];  // the watcher's, which has a small stack
bool g_is_started;

/// As futex_waitv(2) takes it, of programs of 32 bits, too.
struct KernelTime {
  std::int64_t seconds, nanoseconds;
};
#if defined(SYS_clock_gettime64)
constexpr long kGetTime = SYS_clock_gettime64;
#else
constexpr long kGetTime = SYS_clock_gettime;
#endif

/// Sleeps until one of the words is not what it was read as.
void sleep_until_one_changes(const WatchList& list) {
  KernelTime until = {};
  if (!list.are_all) {
    kernel_call(kGetTime, long{CLOCK_MONOTONIC}, &until);
    until.nanoseconds += kLookManyNs;
    if (until.nanoseconds >= 1'000'000'000) {
      until.nanoseconds -= 1'000'000'000;
      until.seconds++;
    }
  }
  const long done = kernel_call(SYS_futex_waitv, list.words, static_cast<long>(list.count), 0L,
                                list.are_all ? nullptr : &until, long{CLOCK_MONOTONIC});
  // Kernels before 5.16 cannot wait for several words; a word whose image has just gone cannot be waited for.
  if (done == -ENOSYS || done == -EFAULT || done == -EINVAL) {
    timespec pause = {0, kLookManyNs};
    kernel_call(SYS_nanosleep, &pause, nullptr);
  }
}

void* watch(void* /*unused*/) {
  static const char name[] = "sillage-ust";
  kernel_call(SYS_prctl, long{PR_SET_NAME}, name);
  for (;;) {
    WatchList list = {g_words, 0, kMaxWords, true};
    apply_gates(&list);
    // Now rather than with the program's next event, as LTTng-UST's threads do.
    sillage_write_state_dump();
    sleep_until_one_changes(list);
  }
}

void start_thread() {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return;
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  // Without it, what is wanted now is recorded, and nothing else later.
  if (pthread_create(&thread, &attributes, watch, nullptr) == EINVAL) {
    pthread_attr_setstacksize(&attributes, 8 * 1024 * 1024);  // the thread-local memory did not fit
    pthread_create(&thread, &attributes, watch, nullptr);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
}

/// The word that fork() makes 0. One that is always 1 where the kernel gives none: children are then not followed.
std::uint32_t* make_word() {
  void* memory = take_pages(4096);
  if (memory == nullptr) return &g_always;
  if (kernel_call(SYS_madvise, memory, 4096L, long{MADV_WIPEONFORK}) != 0) return &g_always;
  return static_cast<std::uint32_t*>(memory);
}

}  // namespace

std::uint32_t* g_watched = &g_always;

void start_watcher() {
  if (g_is_started) return;
  g_is_started = true;
  g_watched = make_word();
  *g_watched = 1;
  const int saved = errno;
  start_thread();
  errno = saved;
}

void watch_in_child() {
  const int saved = errno;
  std::uint32_t none = 0;
  if (__atomic_compare_exchange_n(g_watched, &none, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
    // Tracepoints were all opened for the first event to come through; now they are as collectors want them.
    WatchList nothing = {nullptr, 0, 0, true};
    if (try_apply_gates(&nothing))
      start_thread();
    else
      __atomic_store_n(g_watched, 0, __ATOMIC_RELEASE);  // interrupted while it registers
  }
  errno = saved;
}

}  // namespace sillage::ust
