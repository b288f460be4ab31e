// SPDX-License-Identifier: MIT
// What bench/kernel.py measures: a system call that does next to nothing, and a switch between two threads.
// Reads lines "getppid COUNT" and "switch COUNT"; answers each with the nanoseconds one took.
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <thread>

namespace {

double now_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

void stay_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

double getppid_ns(long count) {
  const double begin = now_ns();
  for (long i = 0; i < count; ++i) syscall(SYS_getppid);
  return (now_ns() - begin) / static_cast<double>(count);
}

void pass(int from, int to, long count) {
  char byte = 0;
  for (long i = 0; i < count; ++i)
    if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1) return;
}

// Both threads are on one CPU, so each round is two switches.
double switch_ns(long count) {
  int there[2];
  int back[2];
  if (pipe(there) != 0 || pipe(back) != 0) return 0;
  const double begin = now_ns();
  std::thread other(pass, there[0], back[1], count / 2);
  char byte = 0;
  for (long i = 0; i < count / 2; ++i)
    if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) break;
  other.join();
  const double end = now_ns();
  for (const int fd : {there[0], there[1], back[0], back[1]}) close(fd);
  return (end - begin) / static_cast<double>(count);
}

}  // namespace

int main() {
  stay_on(static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)) - 1);
  char loop[32];
  long count = 0;
  while (std::scanf("%31s %ld", loop, &count) == 2) {
    std::printf("%.3f\n", std::strcmp(loop, "switch") == 0 ? switch_ns(count) : getppid_ns(count));
    std::fflush(stdout);
  }
  return 0;
}
