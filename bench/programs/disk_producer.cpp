// SPDX-License-Identifier: MIT
// THREADS threads that emit EVENTS one-int events each, as fast as they can, and end. Compiled twice: for Sillage, and
// with BENCH_LTTNG for LTTng-UST.
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

#ifdef BENCH_LTTNG
#include "user_lttng_events.h"
#define BENCH_EMIT(i) lttng_ust_tracepoint(bench, int1, i)
#else
#include <sillage/tracepoint.h>
#define BENCH_EMIT(i) SILLAGE_TRACEPOINT(bench, int1, INFO, sillage_field(a, i))
#endif

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const long thread_count = std::atol(argv[1]), events = std::atol(argv[2]);
  std::vector<std::thread> threads;
  for (long t = 0; t < thread_count; t++) {
    threads.emplace_back([events] {
      for (long n = 0; n < events; n++) {
        int i = static_cast<int>(n);
        BENCH_EMIT(i);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}
