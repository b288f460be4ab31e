// SPDX-License-Identifier: MIT
// A worker process of `bench/user.py`: stays alive and runs one short round of one loop whenever it is told to,
// so that rounds of several systems can be interleaved.
//
// Protocol, one line each: stdin "LOOP THREADS EVENTS", stdout "NANOSECONDS_PER_EVENT".
#pragma once

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace sillage::bench {

/// One measured loop: `run(n)` does its work n times.
struct Loop {
  const char* name;
  void (*run)(std::uint64_t count);
};

/// Makes the compiler believe that `value` is used, and may have been changed.
template <class T>
[[gnu::always_inline]] inline void keep(T& value) {
  asm volatile("" : "+r"(value));
}

/// Threads that live as long as the process, each on a CPU of its own: what a tracer sets up once per thread is
/// not in the figures.
class PinnedThreads {
 public:
  static constexpr unsigned kCount = 2;

  PinnedThreads() {
    pthread_barrier_init(&begin_, nullptr, kCount + 1);
    pthread_barrier_init(&end_, nullptr, kCount + 1);
    for (unsigned i = 0; i < kCount; i++) {
      threads_[i].owner = this;
      threads_[i].index = i;
      if (pthread_create(&threads_[i].id, nullptr, main, &threads_[i]) != 0) std::exit(1);
    }
  }
  PinnedThreads(const PinnedThreads&) = delete;
  PinnedThreads& operator=(const PinnedThreads&) = delete;

  /// Returns nanoseconds per event: the mean of the threads, which begin together.
  double run(const Loop& loop, unsigned thread_count, std::uint64_t events) {
    run_ = loop.run;
    active_ = thread_count;
    events_ = events;
    waiting_ = thread_count;
    pthread_barrier_wait(&begin_);
    pthread_barrier_wait(&end_);
    double sum = 0;
    for (unsigned i = 0; i < thread_count; i++) sum += threads_[i].elapsed_ns;
    return sum / thread_count / static_cast<double>(events);
  }

 private:
  struct Thread {
    PinnedThreads* owner;
    pthread_t id;
    unsigned index;
    double elapsed_ns;
  };

  static double now_ns() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
  }

  /// The last allowed CPU first: the first one serves most interrupts.
  static void pin(unsigned index) {
    cpu_set_t allowed, mine;
    sched_getaffinity(0, sizeof allowed, &allowed);
    std::vector<int> cpus;
    for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
      if (CPU_ISSET(cpu, &allowed)) cpus.push_back(cpu);
    }
    CPU_ZERO(&mine);
    CPU_SET(cpus[index % cpus.size()], &mine);
    sched_setaffinity(0, sizeof mine, &mine);
  }

  static void* main(void* argument) {
    auto* self = static_cast<Thread*>(argument);
    PinnedThreads* owner = self->owner;
    pin(self->index);
    for (;;) {
      pthread_barrier_wait(&owner->begin_);
      if (self->index < owner->active_) {
        owner->waiting_--;
        while (owner->waiting_ != 0) {
        }
        double begin = now_ns();
        owner->run_(owner->events_);
        self->elapsed_ns = now_ns() - begin;
      }
      pthread_barrier_wait(&owner->end_);
    }
    return nullptr;
  }

  pthread_barrier_t begin_, end_;
  Thread threads_[kCount] = {};
  void (*run_)(std::uint64_t) = nullptr;
  unsigned active_ = 0;
  std::uint64_t events_ = 0;
  std::atomic<unsigned> waiting_ = 0;
};

/// Obeys stdin until it ends.
template <std::size_t N>
int serve(const Loop (&loops)[N]) {
  PinnedThreads threads;
  char name[64];
  unsigned thread_count;
  unsigned long long events;
  while (std::scanf("%63s %u %llu", name, &thread_count, &events) == 3) {
    const Loop* found = nullptr;
    for (const Loop& loop : loops) {
      if (std::strcmp(loop.name, name) == 0) found = &loop;
    }
    if (found == nullptr || events == 0 || thread_count == 0 ||
        thread_count > PinnedThreads::kCount) {
      std::fprintf(stderr, "bench worker: cannot run %s on %u threads\n", name, thread_count);
      return 1;
    }
    std::printf("%.4f\n", threads.run(*found, thread_count, events));
    std::fflush(stdout);
  }
  std::fflush(stdout);
  _Exit(0);  // the threads wait for ever
}

}  // namespace sillage::bench
