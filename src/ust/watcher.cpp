// SPDX-License-Identifier: MIT
// The watcher is a bare thread: made by clone(2) without libc's knowledge, it has no thread-local memory of its own and
// must not touch anybody's, so it calls no libc function. It can so be made in a signal handler of a fork child,
// needs no memory of the program's, counts neither as a thread for pthread_exit() nor for what libc does for programs with one
// thread, and blocks all signals. It sleeps in one system call until a collector rings a bell (abi/catalog.h).
#include "ust/watcher.hpp"

#include "ust/kernel_call.hpp"
#include "ust/providers.hpp"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include <cstddef>

extern "C" int __clone(int (*run)(void*), void* stack_end, int flags, void* argument, ...);

namespace sillage::ust {

namespace {

std::uint32_t g_always = 1;

// 127 images and the word that says that there are others. The kernel's limit is 128.
constexpr std::uint32_t kMaxWords = 128;
constexpr std::size_t kStackBytes = 32'768;
// A collector that starts anew, or more images than words, are heard of by looking.
constexpr long kLookSeconds = 5;
constexpr long kLookManyNs = 50'000'000;

char* g_stack;
futex_waitv g_words[kMaxWords];  // the watcher's, which has a small stack
bool g_is_started;

/// Sleeps until one of the words is not what it was read as, or some time has passed.
void sleep_until_one_changes(const WatchList& list) {
  timespec now = {};
  kernel_call(SYS_clock_gettime, long{CLOCK_MONOTONIC}, &now);
  timespec until = now;
  if (list.are_all) {
    until.tv_sec += kLookSeconds;
  } else {
    until.tv_nsec += kLookManyNs;
    if (until.tv_nsec >= 1'000'000'000) {
      until.tv_nsec -= 1'000'000'000;
      until.tv_sec++;
    }
  }
  const long done = kernel_call(SYS_futex_waitv, list.words, static_cast<long>(list.count), 0L,
                                &until, long{CLOCK_MONOTONIC});
  // Kernels before 5.16 cannot wait for several words; a word whose image has just gone cannot be waited for.
  if (done == -ENOSYS || done == -EFAULT || done == -EINVAL) {
    timespec pause = {0, kLookManyNs};
    kernel_call(SYS_nanosleep, &pause, nullptr);
  }
}

int watch(void* /*unused*/) {
  static const char kName[] = "sillage-ust";
  kernel_call(SYS_prctl, long{PR_SET_NAME}, kName);
  for (;;) {
    WatchList list = {g_words, 0, kMaxWords, true};
    apply_gates(&list);
    sleep_until_one_changes(list);
  }
}

bool start_thread() {
  if (g_stack == nullptr) {
    const long memory = kernel_call(SYS_mmap, 0L, long{kStackBytes}, long{PROT_READ | PROT_WRITE},
                                    long{MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK}, -1L, 0L);
    if (memory < 0 && memory > -4096) return false;
    g_stack = reinterpret_cast<char*>(memory);
  }
  const std::uint64_t all = UINT64_MAX;
  std::uint64_t before = 0;
  kernel_call(SYS_rt_sigprocmask, long{SIG_BLOCK}, &all, &before, long{sizeof all});
  // libc's function by its other name: helper libraries put their own in the place of clone().
  const int made = __clone(
      watch, g_stack + kStackBytes,
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, nullptr);
  kernel_call(SYS_rt_sigprocmask, long{SIG_SETMASK}, &before, nullptr, long{sizeof before});
  return made > 0;
}

/// The word that fork() makes 0. One that is always 1 where the kernel gives none: children are then not followed.
std::uint32_t* make_word() {
  const long memory = kernel_call(SYS_mmap, 0L, 4096L, long{PROT_READ | PROT_WRITE},
                                  long{MAP_PRIVATE | MAP_ANONYMOUS}, -1L, 0L);
  if (memory < 0 && memory > -4096) return &g_always;
  if (kernel_call(SYS_madvise, memory, 4096L, long{MADV_WIPEONFORK}) != 0) return &g_always;
  return reinterpret_cast<std::uint32_t*>(memory);
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
