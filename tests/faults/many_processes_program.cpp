// SPDX-License-Identifier: MIT
// Many processes at once, and many one after the other, all of them traced.
//
//   many_processes_program hold COUNT        COUNT children, each with one event, that live until standard input ends
//   many_processes_program storm RATE SECONDS    RATE children a second, each with one event
//   many_processes_program start             says how long registration took
//
// The events are many:child(u32 n). Prints "NAME VALUE" lines: emitted (children that went through the tracepoint), p99_us and
// max_us (from the fork's return in the child to behind the event), per_second, register_us.
#include <sillage/site.h>
#include "abi/catalog.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

namespace {

using Clock = std::chrono::steady_clock;

const uint64_t kClosed = 0;
const sillage_field kNumber = {"n", nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, 4, 0, 10, 0};
const sillage_event kChild = {"many", "child", __FILE__, nullptr, &kNumber, 30, 1, 6, 0};
sillage_site g_child = {&kClosed, nullptr, &kChild, 0, 0};
sillage_site* const kSites[] = {&g_child};
sillage_image g_image = {kSites, kSites + 1, nullptr, &kClosed};

// Shared with the children: of each that is through, its microseconds plus one.
using Report = uint32_t;

void go_through(uint32_t number, Report* report, Clock::time_point begin) {
  if (__atomic_load_n(g_child.gate, __ATOMIC_RELAXED) != 0)
    sillage_emit_words(&g_child, 4, number, 0, 0);
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin);
  __atomic_store_n(report, static_cast<uint32_t>(us.count()) + 1, __ATOMIC_RELEASE);
}

void print(Report* reports, std::size_t count) {
  std::sort(reports, reports + count);
  std::printf("emitted %zu\n", count);
  if (count != 0) {
    std::printf("p99_us %u\nmax_us %u\n", reports[(count - 1) * 99 / 100] - 1,
                reports[count - 1] - 1);
  }
  std::fflush(stdout);
}

Report* share(std::size_t count) {
  void* memory = mmap(nullptr, (count + 1) * sizeof(Report), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) std::exit(2);
  return static_cast<Report*>(memory);
}

int hold(std::size_t count) {
  Report* reports = share(count);
  int gate[2];
  if (pipe(gate) != 0) return 2;
  for (std::size_t i = 0; i < count; i++) {
    const pid_t child = fork();
    if (child < 0) return 2;
    if (child == 0) {
      go_through(static_cast<uint32_t>(i), &reports[i], Clock::now());
      close(gate[1]);
      char end;
      while (read(gate[0], &end, 1) > 0) {
      }
      _exit(0);
    }
  }
  for (std::size_t i = 0; i < count; i++) {
    while (__atomic_load_n(&reports[i], __ATOMIC_ACQUIRE) == 0) usleep(1000);
  }
  print(reports, count);
  char end;
  while (read(0, &end, 1) > 0) {
  }
  close(gate[1]);
  while (wait(nullptr) > 0) {
  }
  return 0;
}

int storm(std::size_t rate, std::size_t seconds) {
  const std::size_t count = rate * seconds;
  Report* reports = share(count);
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < count; i++) {
    std::this_thread::sleep_until(begin + std::chrono::microseconds(i * 1'000'000 / rate));
    const pid_t child = fork();
    if (child < 0) return 2;
    if (child == 0) {
      go_through(static_cast<uint32_t>(i), &reports[i], Clock::now());
      _exit(0);
    }
    while (waitpid(-1, nullptr, WNOHANG) > 0) {
    }
  }
  while (wait(nullptr) > 0) {
  }
  const auto took = std::chrono::duration<double>(Clock::now() - begin).count();
  print(reports, count);
  std::printf("per_second %.0f\n", static_cast<double>(count) / took);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const auto begin = Clock::now();
  sillage_image_register(&g_image);
  const auto took = Clock::now() - begin;
  const auto number = [&](int i) { return std::strtoul(argc > i ? argv[i] : "0", nullptr, 10); };
  if (argc > 1 && std::strcmp(argv[1], "hold") == 0) return hold(number(2));
  if (argc > 1 && std::strcmp(argv[1], "storm") == 0) return storm(number(2), number(3));
  std::printf(
      "register_us %lld\n",
      static_cast<long long>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
}
