// SPDX-License-Identifier: MIT
#include "probe/context.hpp"

#include "probe/clock.hpp"
#include "probe/filter_machine.hpp"
#include "probe/foreign_sites.h"
#include "probe/raw_syscall.hpp"
#include "probe/thread_counters.hpp"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/stat.h>
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include <cstddef>

namespace sillage::probe {
namespace {

// As LTTng-UST's: 16 bytes of the kernel and a NUL that is always there.
constexpr std::uint32_t kProcnameBytes = 17;
constexpr std::uint64_t kRefreshNs = 100'000'000;
constexpr int kNamespaces = 8;
constexpr const char* kNamespacePaths[kNamespaces] = {
    "/proc/thread-self/ns/cgroup", "/proc/thread-self/ns/ipc", "/proc/thread-self/ns/mnt",
    "/proc/thread-self/ns/net",    "/proc/thread-self/ns/pid", "/proc/thread-self/ns/time",
    "/proc/thread-self/ns/user",   "/proc/thread-self/ns/uts"};

/// What a thread remembers of itself. A signal handler may fill it while the thread does: both write the same.
struct ThreadFacts {
  std::uint32_t process_serial;  // of fork_wiped() when vtid was read
  std::int32_t vtid;
  std::uint64_t name_until_ns, namespaces_until_ns;
  char procname[kProcnameBytes];
  std::uint64_t namespaces[kNamespaces];
};
thread_local ThreadFacts t_facts;

void* thread_pointer() {
#if defined(__i386__)
  void* pointer;  // gcc 12 has the builtin for x86-64 only
  asm("movl %%gs:0, %0" : "=r"(pointer));
  return pointer;
#else
  return __builtin_thread_pointer();
#endif
}

ThreadFacts* thread_facts() {
  ThreadFacts* facts = &t_facts;
  std::uint32_t serial = fork_wiped()->serial;
  if (__builtin_expect(facts->process_serial != serial, 0)) {
    facts->vtid = static_cast<std::int32_t>(raw_syscall(SYS_gettid));
    facts->name_until_ns = 0;
    facts->namespaces_until_ns = 0;
    facts->process_serial = serial;
  }
  return facts;
}

void refresh_name(ThreadFacts* facts, std::uint64_t now) {
  char name[kProcnameBytes] = {};
  raw_syscall(SYS_prctl, PR_GET_NAME, address(name));
  std::memcpy(facts->procname, name, sizeof name);
  facts->name_until_ns = now + kRefreshNs;
}

void refresh_namespaces(ThreadFacts* facts, std::uint64_t now) {
  for (int i = 0; i < kNamespaces; i++) {
    struct statx status = {};
    long result = raw_syscall(SYS_statx, AT_FDCWD, address(kNamespacePaths[i]), 0, STATX_INO,
                              address(&status));
    facts->namespaces[i] = result == 0 ? status.stx_ino : 0;
  }
  facts->namespaces_until_ns = now + kRefreshNs;
}

struct Credentials {
  std::uint32_t real, effective, saved;
};

Credentials credentials(bool group) {
  Credentials ids = {};
#if defined(__i386__)
  long number = group ? SYS_getresgid32 : SYS_getresuid32;
#else
  long number = group ? SYS_getresgid : SYS_getresuid;
#endif
  raw_syscall(number, address(&ids.real), address(&ids.effective), address(&ids.saved));
  return ids;
}

[[gnu::always_inline]] inline char* append(char* to, const void* value, std::uint32_t bytes) {
  std::memcpy(to, value, bytes);
  return to + bytes;
}

/// Keeps what was written for the events that follow on this ring.
void fill_cache(const RingView* ring, const ThreadFacts* facts, const char* bytes) {
  ContextCache* cache = &t_context_cache;
  const std::uint32_t fills = cache->fills;
  if (fills % 2 != 0) return;  // a handler that interrupts just this
  std::uint64_t until = UINT64_MAX;
  for (std::uint32_t i = 0; i < ring->context_count; i++) {
    const std::uint8_t context = ring->contexts[i];
    if (context == SILLAGE_CONTEXT_PROCNAME && facts->name_until_ns < until)
      until = facts->name_until_ns;
    if (context >= SILLAGE_CONTEXT_CGROUP_NS && context <= SILLAGE_CONTEXT_UTS_NS &&
        facts->namespaces_until_ns < until)
      until = facts->namespaces_until_ns;
  }
  __atomic_store_n(&cache->fills, fills + 1, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  std::memcpy(cache->bytes, bytes, ring->context_bytes);
  cache->ring = ring;
  cache->until_ns = until;
  cache->process_serial = facts->process_serial;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  __atomic_store_n(&cache->fills, fills + 2, __ATOMIC_RELAXED);
}

}  // namespace

bool can_be_cached(const std::uint8_t* contexts, std::uint32_t count, std::uint32_t bytes) {
  for (std::uint32_t i = 0; i < count; i++) {
    switch (contexts[i]) {
      case SILLAGE_CONTEXT_VPID:
      case SILLAGE_CONTEXT_VTID:
      case SILLAGE_CONTEXT_PROCNAME:
      case SILLAGE_CONTEXT_PTHREAD_ID: continue;
      default:
        if (contexts[i] < SILLAGE_CONTEXT_CGROUP_NS || contexts[i] > SILLAGE_CONTEXT_UTS_NS)
          return false;
    }
  }
  return count != 0 && bytes <= kMaxCachedContextBytes;
}

std::uint32_t context_size(std::uint8_t context) {
  switch (context) {
    case SILLAGE_CONTEXT_VPID:
    case SILLAGE_CONTEXT_VTID:
    case SILLAGE_CONTEXT_CPU_ID: return 4;
    case SILLAGE_CONTEXT_PROCNAME: return kProcnameBytes;
    case SILLAGE_CONTEXT_PTHREAD_ID:
    case SILLAGE_CONTEXT_IP: return 8;
    default:
      if (context >= SILLAGE_CONTEXT_CGROUP_NS && context <= SILLAGE_CONTEXT_UTS_NS) return 8;
      if (context >= SILLAGE_CONTEXT_VUID && context <= SILLAGE_CONTEXT_VSGID) return 4;
      if (context >= SILLAGE_CONTEXT_COUNTER && context < SILLAGE_CONTEXT_COUNTER_END) return 8;
      return 0;
  }
}

char* write_contexts(const RingView* ring, std::uint64_t now, std::uint64_t ip, char* to,
                     const TakenValues* taken) {
  const char* app_values = taken == nullptr ? nullptr : taken->app;
  ThreadFacts* facts = thread_facts();
  const char* const begin = to;
  for (std::uint32_t i = 0; i < ring->context_count; i++) {
    std::uint8_t context = ring->contexts[i];
    switch (context) {
      case SILLAGE_CONTEXT_VPID: to = append(to, &fork_wiped()->pid, 4); break;
      case SILLAGE_CONTEXT_VTID: to = append(to, &facts->vtid, 4); break;
      case SILLAGE_CONTEXT_PROCNAME: {
        if (__builtin_expect(now >= facts->name_until_ns, 0)) refresh_name(facts, now);
        to = append(to, facts->procname, kProcnameBytes);
        break;
      }
      case SILLAGE_CONTEXT_PTHREAD_ID: {
        // glibc's pthread_t is the thread pointer; no call, so that no lock can be behind it.
        std::uint64_t self = reinterpret_cast<std::uintptr_t>(thread_pointer());
        to = append(to, &self, 8);
        break;
      }
      case SILLAGE_CONTEXT_IP: to = append(to, &ip, 8); break;
      case SILLAGE_CONTEXT_CPU_ID: {
        std::int32_t cpu = current_cpu();
        to = append(to, &cpu, 4);
        break;
      }
      case SILLAGE_CONTEXT_VUID:
      case SILLAGE_CONTEXT_VEUID:
      case SILLAGE_CONTEXT_VSUID:
      case SILLAGE_CONTEXT_VGID:
      case SILLAGE_CONTEXT_VEGID:
      case SILLAGE_CONTEXT_VSGID: {
        Credentials ids = credentials(context >= SILLAGE_CONTEXT_VGID);
        const std::uint32_t values[3] = {ids.real, ids.effective, ids.saved};
        to = append(to, &values[(context - SILLAGE_CONTEXT_VUID) % 3], 4);
        break;
      }
      default: {  // the only ones left that fill() of ring_map.cpp lets in: namespaces, the application's, counters
        if (context >= SILLAGE_CONTEXT_COUNTER) {
          const std::uint32_t number = context - SILLAGE_CONTEXT_COUNTER;
          std::uint64_t value = taken != nullptr && taken->counters != nullptr
                                    ? taken->counters[number]
                                    : read_counter(ring->counters[number]);
          to = append(to, &value, 8);
          break;
        }
        if (context >= SILLAGE_CONTEXT_APP) {
          to = write_app_value(to, &app_values);
          break;
        }
        if (__builtin_expect(now >= facts->namespaces_until_ns, 0)) refresh_namespaces(facts, now);
        to = append(to, &facts->namespaces[context - SILLAGE_CONTEXT_CGROUP_NS], 8);
        break;
      }
    }
  }
  if (ring->caches_contexts != 0) fill_cache(ring, facts, begin);
  return to;
}

std::uint64_t filter_context(std::uint64_t context, const RingView* ring, std::uint64_t ip) {
  ThreadFacts* facts = thread_facts();
  switch (context) {
    case SILLAGE_CONTEXT_VPID: return fork_wiped()->pid;
    case SILLAGE_CONTEXT_VTID: return static_cast<std::uint64_t>(std::int64_t{facts->vtid});
    case SILLAGE_CONTEXT_PTHREAD_ID: return reinterpret_cast<std::uintptr_t>(thread_pointer());
    case SILLAGE_CONTEXT_IP: return ip;
    case SILLAGE_CONTEXT_CPU_ID: return static_cast<std::uint64_t>(std::int64_t{current_cpu()});
    default: break;
  }
  if (context >= SILLAGE_CONTEXT_VUID && context <= SILLAGE_CONTEXT_VSGID) {
    const Credentials ids = credentials(context >= SILLAGE_CONTEXT_VGID);
    const std::uint32_t values[3] = {ids.real, ids.effective, ids.saved};
    return values[(context - SILLAGE_CONTEXT_VUID) % 3];
  }
  if (context < SILLAGE_CONTEXT_CGROUP_NS || context > SILLAGE_CONTEXT_UTS_NS) return 0;
  const std::uint64_t now = now_ns(ring->clock);
  if (__builtin_expect(now >= facts->namespaces_until_ns, 0)) refresh_namespaces(facts, now);
  return facts->namespaces[context - SILLAGE_CONTEXT_CGROUP_NS];
}

const char* filter_context_text(std::uint32_t context, const RingView* ring) {
  if (context != SILLAGE_CONTEXT_PROCNAME) return "";
  ThreadFacts* facts = thread_facts();
  const std::uint64_t now = now_ns(ring->clock);
  if (__builtin_expect(now >= facts->name_until_ns, 0)) refresh_name(facts, now);
  return facts->procname;
}

std::int32_t thread_id() { return thread_facts()->vtid; }

std::int32_t current_cpu() {
  if (__builtin_expect(g_startup.other_cpu != nullptr, 0)) return g_startup.other_cpu();
#if defined(__x86_64__)
  if (g_startup.has_rseq) {
    std::int32_t cpu;
    asm volatile("movl %%fs:(%1), %0" : "=r"(cpu) : "r"(g_startup.cpu_id_offset));
    if (cpu >= 0) return cpu;
  }
#endif
  return sched_getcpu();  // the vDSO's: no lock, no allocation
}

std::uint64_t monotonic_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void sleep_ns(std::int64_t ns) {
  timespec time = {static_cast<time_t>(ns / 1'000'000'000), static_cast<long>(ns % 1'000'000'000)};
  raw_syscall(SYS_nanosleep, address(&time));
}

void yield_cpu() { raw_syscall(SYS_sched_yield); }

void ring_doorbell(sillage_ring_header* header) {
  __atomic_fetch_add(&header->doorbell, 1, __ATOMIC_RELEASE);
  raw_syscall(SYS_futex, address(&header->doorbell), FUTEX_WAKE, 1);
}

}  // namespace sillage::probe

// What a program gives need not be a number of a CPU: streams are taken modulo their count.
extern "C" void sillage_replace_cpu(int (*other_cpu)(void)) {
  sillage::probe::g_startup.other_cpu = other_cpu;
}

extern "C" void sillage_replace_clock(std::uint64_t (*read_clock)(void),
                                      const sillage_app_clock* description) {
  sillage::probe::g_startup.clock = description;
  sillage::probe::g_startup.other_clock = read_clock;
}
