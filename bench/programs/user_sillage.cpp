// SPDX-License-Identifier: MIT
// The events of `./dev bench user`, recorded by Sillage. user_lttng.cpp has the same.
#include <sillage/tracepoint.h>
#include "rounds.hpp"

namespace {

using sillage::bench::keep;
using Count = std::uint64_t;

std::uint8_t g_array[64];
const char* g_text = "0123456789abcde";  // 16 bytes with its NUL

// noinline: each loop is one function with one site, as in a real program.
#define BENCH_LOOP(name, ...)                       \
  [[gnu::noinline]] void name(Count count) {        \
    for (Count n = 0; n < count; n++) {             \
      int i = static_cast<int>(n);                  \
      keep(i);                                      \
      SILLAGE_TRACEPOINT(bench, name, __VA_ARGS__); \
    }                                               \
  }
#define BENCH_INT sillage_field(a, i)

BENCH_LOOP(none, INFO)
BENCH_LOOP(int1, INFO, BENCH_INT)
BENCH_LOOP(int2, INFO, BENCH_INT, sillage_field(b, i + 1))
BENCH_LOOP(int4, INFO, BENCH_INT, sillage_field(b, i + 1), sillage_field(c, i + 2),
           sillage_field(d, i + 3))
BENCH_LOOP(intstr, INFO, BENCH_INT, sillage_field(s, g_text))
BENCH_LOOP(arr64, INFO, sillage_field(s, g_array))
BENCH_LOOP(ctx, INFO, BENCH_INT)    // a channel with contexts
BENCH_LOOP(level, INFO, BENCH_INT)  // a rule that wants WARNING and above
BENCH_LOOP(off, INFO, BENCH_INT)    // no rule at all
// Rules whose filters no event matches.
BENCH_LOOP(filter, INFO, BENCH_INT)
BENCH_LOOP(filtertext, INFO, BENCH_INT, sillage_field(s, g_text))

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
