// SPDX-License-Identifier: MIT
// The trace that bench/read.py reads: THREADS threads that emit EVENTS events each of several kinds, as LTTng-UST events.
#include "user_lttng_events.h"

#include <array>
#include <cstdint>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

void emit(long events) {
  static constexpr std::array<const char*, 4> kTexts = {"", "GET /index.html",
                                                        "a longer text, with a \"quote\"", "ok"};
  std::array<std::uint8_t, 64> bytes{};
  for (long n = 0; n < events; n++) {
    const int i = static_cast<int>(n);
    switch (n % 16) {
      case 0: lttng_ust_tracepoint(bench, none); break;
      case 1:
        bytes[static_cast<std::size_t>(n) % bytes.size()] = static_cast<std::uint8_t>(n);
        lttng_ust_tracepoint(bench, arr64, bytes.data());
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        lttng_ust_tracepoint(bench, intstr, i,
                             kTexts[static_cast<std::size_t>(n) / 16 % kTexts.size()]);
        break;
      case 6:
      case 7:
      case 8: lttng_ust_tracepoint(bench, int4, i, -i, i * 3, 7); break;
      case 9:
      case 10:
      case 11: lttng_ust_tracepoint(bench, int2, i, -i); break;
      default: lttng_ust_tracepoint(bench, int1, i); break;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  std::vector<std::thread> threads;
  for (long t = std::atol(argv[1]); t > 0; t--) threads.emplace_back(emit, std::atol(argv[2]));
  for (std::thread& thread : threads) thread.join();
  return 0;
}
