// SPDX-License-Identifier: MIT
// The events of `./dev bench user`, recorded by LTTng-UST. user_sillage.cpp has the same.
#include "rounds.hpp"
#include "user_lttng_events.h"

namespace {

using sillage::bench::keep;
using Count = std::uint64_t;

std::uint8_t g_array[64];
const char* g_text = "0123456789abcde";  // 16 bytes with its NUL

#define BENCH_LOOP(name, ...)                           \
  [[gnu::noinline]] void name(Count count) {            \
    for (Count n = 0; n < count; n++) {                 \
      int i = static_cast<int>(n);                      \
      keep(i);                                          \
      lttng_ust_tracepoint(bench, name, ##__VA_ARGS__); \
    }                                                   \
  }

BENCH_LOOP(none)
BENCH_LOOP(int1, i)
BENCH_LOOP(int2, i, i + 1)
BENCH_LOOP(int4, i, i + 1, i + 2, i + 3)
BENCH_LOOP(intstr, i, g_text)
BENCH_LOOP(arr64, g_array)
BENCH_LOOP(ctx, i)
BENCH_LOOP(level, i)
BENCH_LOOP(off, i)
BENCH_LOOP(filter, i)
BENCH_LOOP(filtertext, i, g_text)

}  // namespace

int main() {
  return sillage::bench::serve({{"none", none},
                                {"int1", int1},
                                {"int2", int2},
                                {"int4", int4},
                                {"intstr", intstr},
                                {"arr64", arr64},
                                {"ctx", ctx},
                                {"level", level},
                                {"off", off},
                                {"filter", filter},
                                {"filtertext", filtertext}});
}
