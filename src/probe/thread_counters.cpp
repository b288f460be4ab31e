// SPDX-License-Identifier: MIT
#include "probe/thread_counters.hpp"

#include "abi/app_protocol.h"
#include "probe/process.hpp"
#include "probe/raw_syscall.hpp"
#include "probe/thread_records.hpp"

#include <fcntl.h>
#include <signal.h>

#include <cstring>

namespace sillage::probe {
namespace {

// Different ones at a time in one program: more than twice what a record can have.
constexpr std::uint32_t kPlaces = 72;
constexpr std::uint32_t kNoPlace = UINT32_MAX;
// Programs count on low numbers: that an open() after a close() gives the same again, select(2).
constexpr long kLowestDescriptor = 512;

// Our files' signal of asynchronous input, which perf does not send: nobody else's have this one, and asking for it takes half
// the time of asking perf for its identity.
constexpr long kMark = 64;

/// Who has a counter of a thread. It is in a word with the counter's serial, so that a change of either is seen.
enum State : std::uint32_t {
  kClosed = 0,
  kRefused,  // the kernel does not give it
  kOpen,
  kReading,  // by the thread; perhaps in a handler that has interrupted its reading
  kDoomed,   // the same; who reads closes it
  kClosing,  // by who released it
  kStates
};
constexpr std::uint32_t kMaxSerial = UINT32_MAX / kStates;
std::uint32_t word_of(std::uint32_t serial, State state) { return serial * kStates + state; }

/// One counter of one thread.
struct ThreadCounter {
  std::uint32_t word;
  std::int32_t fd;
  std::uint64_t id;    // the kernel's, of what `fd` should be
  std::uint64_t base;  // counted by the one before, whose descriptor the program has closed
  std::uint64_t last;  // read
  const perf_event_mmap_page* page;
};

struct ThreadCounters {
  std::uint32_t is_used;
  ThreadCounter at[kPlaces];
};

/// What rings have, under the library's lock.
struct Place {
  std::uint64_t config;
  std::uint32_t type, serial, users;
};

ThreadRecords<ThreadCounters> g_threads;
bool g_has_started;
Place g_places[kPlaces];
std::uint32_t g_last_serial;

struct Own {
  ThreadCounters* counters;
  std::uint32_t process_serial;  // of fork_wiped(): of a parent's they are not this thread's
};
thread_local Own t_own;

bool change(ThreadCounter* counter, std::uint32_t from, std::uint32_t to) {
  return __atomic_compare_exchange_n(&counter->word, &from, to, false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED);
}

void set(ThreadCounter* counter, std::uint32_t word) {
  __atomic_store_n(&counter->word, word, __ATOMIC_RELEASE);
}

/// Whether the descriptor is most likely still ours. Changes nothing of any file.
bool is_marked(const ThreadCounter& counter) {
  return raw_syscall(SYS_fcntl, counter.fd, F_GETSIG) == kMark;
}

/// Whether it is. Nobody but the kernel's perf knows this request; other files refuse it.
bool is_own(const ThreadCounter& counter) {
  std::uint64_t id = 0;
  return raw_syscall(SYS_ioctl, counter.fd, PERF_EVENT_IOC_ID, address(&id)) == 0 &&
         id == counter.id;
}

/// For who has it in kReading, kDoomed or kClosing.
void close_now(ThreadCounter* counter) {
  if (is_own(*counter)) raw_syscall(SYS_close, counter->fd);
  if (counter->page != nullptr) raw_syscall(SYS_munmap, address(counter->page), 4096);
  counter->page = nullptr;
  set(counter, kClosed);
}

/// Closes a counter of a thread that may be reading it: then that does.
void close_soon(ThreadCounter* counter, std::uint32_t serial) {
  for (;;) {
    if (change(counter, word_of(serial, kOpen), word_of(serial, kClosing)))
      return close_now(counter);
    if (change(counter, word_of(serial, kReading), word_of(serial, kDoomed))) return;
    // Between the two it was given back.
    const std::uint32_t word = __atomic_load_n(&counter->word, __ATOMIC_ACQUIRE);
    if (word != word_of(serial, kOpen) && word != word_of(serial, kReading)) break;
  }
  change(counter, word_of(serial, kRefused), kClosed);
}

/// For the thread that has it, at its end: nobody comes back from a handler to a reading that this has interrupted.
void close_at_end(ThreadCounter* counter) {
  for (;;) {
    const std::uint32_t word = __atomic_load_n(&counter->word, __ATOMIC_ACQUIRE);
    const std::uint32_t state = word % kStates;
    if (state == kRefused) set(counter, kClosed);
    if (state == kClosed || state == kRefused || state == kClosing) return;
    if (state != kOpen || change(counter, word, word - kOpen + kClosing)) return close_now(counter);
  }
}

void on_thread_exit(void* counters) {
  // Not if it is of a parent process: then it has another owner, perhaps.
  if (counters != t_own.counters || t_own.process_serial != fork_wiped()->serial) return;
  t_own.counters = nullptr;
  auto* mine = static_cast<ThreadCounters*>(counters);
  for (ThreadCounter& counter : mine->at) close_at_end(&counter);
  g_threads.give_back(mine);
}

/// Signals do not come meanwhile: a handler's event would begin the same.
class NoSignals {
 public:
  NoSignals() { raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, address(&kAll), address(&was_), 8); }
  ~NoSignals() { raw_syscall(SYS_rt_sigprocmask, SIG_SETMASK, address(&was_), 0, 8); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  static constexpr std::uint64_t kAll = UINT64_MAX;
  std::uint64_t was_ = 0;
};

ThreadCounters* own_counters() {
  const std::uint32_t serial = fork_wiped()->serial;
  if (__builtin_expect(t_own.counters != nullptr && t_own.process_serial == serial, 1))
    return t_own.counters;
  const NoSignals no_signals;
  if (t_own.counters != nullptr && t_own.process_serial == serial) return t_own.counters;
  ThreadCounters* taken = g_threads.take();
  if (taken == nullptr) return nullptr;
  t_own = {taken, serial};
  g_threads.keep(taken);  // may record an event, in a program that traces its malloc()
  return taken;
}

/// What happens inside the kernel only: whoever leaves that out counts none.
bool is_of_kernel(const RingCounter& counter) {
  return counter.type == PERF_TYPE_SOFTWARE && (counter.config == PERF_COUNT_SW_CONTEXT_SWITCHES ||
                                                counter.config == PERF_COUNT_SW_CPU_MIGRATIONS);
}

long open_event(const RingCounter& counter) {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = counter.type;
  attributes.config = counter.config;
  attributes.read_format = PERF_FORMAT_ID;
  attributes.exclude_kernel = is_of_kernel(counter) ? 0 : 1;
  for (;;) {
    const long fd =
        raw_syscall(SYS_perf_event_open, address(&attributes), 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd >= 0 || attributes.exclude_kernel != 0) return fd;
    attributes.exclude_kernel = 1;  // kernel.perf_event_paranoid
  }
}

/// Opens the counter if it is not open for this thread; false if it cannot be used.
bool open_counter(const RingCounter& wanted, ThreadCounter* counter) {
  const NoSignals no_signals;
  const std::uint32_t word = __atomic_load_n(&counter->word, __ATOMIC_ACQUIRE);
  if (word == word_of(wanted.serial, kOpen)) return true;
  if (word == word_of(wanted.serial, kRefused)) return false;
  // Another counter's, from before.
  if (word % kStates == kOpen && change(counter, word, word - kOpen + kClosing)) close_now(counter);
  if (word % kStates == kRefused) change(counter, word, kClosed);
  if (__atomic_load_n(&counter->word, __ATOMIC_ACQUIRE) != kClosed) return false;
  long fd = open_event(wanted);
  std::uint64_t id = 0;
  if (fd >= 0 && (raw_syscall(SYS_ioctl, fd, PERF_EVENT_IOC_ID, address(&id)) != 0 ||
                  raw_syscall(SYS_fcntl, fd, F_SETSIG, kMark) != 0)) {
    raw_syscall(SYS_close, fd);
    fd = -1;
  }
  if (fd < 0) {
    set(counter, word_of(wanted.serial, kRefused));
    return false;
  }
  const long high = raw_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, kLowestDescriptor);
  if (high >= 0) raw_syscall(SYS_close, fd);
  *counter = {kClosed, static_cast<std::int32_t>(high >= 0 ? high : fd), id, 0, 0, nullptr};
#if defined(__x86_64__) || defined(__i386__)
  // The kernel's own counters are in no register.
  if (wanted.type != PERF_TYPE_SOFTWARE)
    counter->page = static_cast<const perf_event_mmap_page*>(
        map_memory(nullptr, 4096, PROT_READ, MAP_SHARED, counter->fd));
#endif
  set(counter, word_of(wanted.serial, kOpen));
  return true;
}

#if defined(__x86_64__) || defined(__i386__)
std::uint64_t read_register(std::uint32_t number) {
  std::uint32_t low, high;
  asm volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(number));
  return std::uint64_t{high} << 32 | low;
}
#endif

/// False if the descriptor is no longer ours.
bool read_open(const ThreadCounter& counter, std::uint64_t* value) {
#if defined(__x86_64__) || defined(__i386__)
  if (counter.page != nullptr && read_from_page(*counter.page, read_register, value)) return true;
#endif
  // Before anything is read of it: reading takes from a pipe or a socket.
  std::uint64_t got[2];
  if (!is_marked(counter) ||
      raw_syscall(SYS_read, counter.fd, address(got), sizeof got) != static_cast<long>(sizeof got))
    return false;
  *value = got[0];
  return got[1] == counter.id;
}

/// After reading: gives it back, or closes it for who has released it meanwhile.
void end_reading(ThreadCounter* counter, std::uint32_t serial) {
  if (change(counter, word_of(serial, kReading), word_of(serial, kOpen))) return;
  // Closed it is in a child of a handler that forked.
  if (__atomic_load_n(&counter->word, __ATOMIC_ACQUIRE) == word_of(serial, kDoomed))
    close_now(counter);
}

/// Takes one whose descriptor the program has closed out of use; the next that is opened goes on from its last value.
bool replace(const RingCounter& wanted, ThreadCounter* counter) {
  const std::uint64_t last = counter->last;
  if (!change(counter, word_of(wanted.serial, kOpen), word_of(wanted.serial, kClosing)))
    return false;
  close_now(counter);
  if (!open_counter(wanted, counter)) return false;
  counter->base = counter->last = last;
  return true;
}

/// False if it has to be opened anew.
bool try_read(ThreadCounter* counter, std::uint32_t serial, std::uint64_t* value) {
  const bool is_first = change(counter, word_of(serial, kOpen), word_of(serial, kReading));
  const std::uint32_t word = __atomic_load_n(&counter->word, __ATOMIC_ACQUIRE);
  // In a handler that has interrupted the thread in here it stays; otherwise somebody is closing it.
  if (!is_first && word != word_of(serial, kReading) && word != word_of(serial, kDoomed))
    return true;
  const bool is_read = read_open(*counter, value);
  if (is_read) counter->last = *value += counter->base;
  if (is_first) end_reading(counter, serial);
  return is_read || !is_first;
}

}  // namespace

const RingCounter* acquire_counters(const char* wire, std::uint32_t count) {
  auto* counters = static_cast<RingCounter*>(allocate(count * sizeof(RingCounter), false));
  if (counters == nullptr) return nullptr;
  if (!g_has_started) g_threads.start(on_thread_exit);
  g_has_started = true;
  for (std::uint32_t i = 0; i < count; i++) {
    sillage_app_counter wanted;
    std::memcpy(&wanted, wire + i * sizeof wanted, sizeof wanted);
    std::uint32_t free = kNoPlace, found = kNoPlace;
    for (std::uint32_t at = 0; at < kPlaces && found == kNoPlace; at++) {
      const Place& place = g_places[at];
      if (place.users == 0 && free == kNoPlace) free = at;
      if (place.users != 0 && place.config == wanted.config && place.type == wanted.type)
        found = at;
    }
    if (found == kNoPlace && free != kNoPlace) {
      found = free;
      g_last_serial = g_last_serial == kMaxSerial - 1 ? 1 : g_last_serial + 1;
      g_places[free] = {wanted.config, wanted.type, g_last_serial, 0};
    }
    counters[i] = {wanted.config, wanted.type, found, 0};
    if (found == kNoPlace) continue;
    g_places[found].users++;
    counters[i].serial = g_places[found].serial;
  }
  return counters;
}

void release_counters(const RingCounter* counters, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; i++) {
    const RingCounter& counter = counters[i];
    if (counter.serial == 0 || --g_places[counter.place].users != 0) continue;
    // A thread that is late and opens it after this has it until it ends, or until the place is used again.
    g_threads.for_each(
        [&](ThreadCounters& thread) { close_soon(&thread.at[counter.place], counter.serial); });
  }
}

std::uint64_t read_counter(const RingCounter& counter) {
  ThreadCounters* mine = own_counters();
  if (mine == nullptr || counter.serial == 0) return 0;
  ThreadCounter* own = &mine->at[counter.place];
  std::uint64_t value = 0;
  const std::uint32_t word = __atomic_load_n(&own->word, __ATOMIC_ACQUIRE);
  const bool is_open = word / kStates == counter.serial && word % kStates != kRefused;
  if (__builtin_expect(!is_open, 0) && !open_counter(counter, own)) return 0;
  if (try_read(own, counter.serial, &value)) return value;
  if (replace(counter, own)) try_read(own, counter.serial, &value);
  return value;
}

void leave_parents_counters() {
  g_threads.give_back_all_but(nullptr, [](ThreadCounters& thread) {
    for (ThreadCounter& counter : thread.at) {
      const std::uint32_t word = __atomic_load_n(&counter.word, __ATOMIC_ACQUIRE);
      if (word % kStates == kClosed || word % kStates == kRefused) {
        set(&counter, kClosed);
        continue;
      }
      // The kernel gives children no such pages.
      counter.page = nullptr;
      close_now(&counter);
    }
  });
}

}  // namespace sillage::probe
