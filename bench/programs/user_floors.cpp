// SPDX-License-Identifier: MIT
// What no tracer can undercut: the clocks, and the stores of a record without any protection.
#include "rounds.hpp"

#include <sys/mman.h>
#include <sys/rseq.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace {

using sillage::bench::keep;
using Count = std::uint64_t;

constexpr std::uint64_t kRingBytes = 2 << 20;  // as the tracers: 4 sub-buffers of 512 KiB per CPU
constexpr std::uint64_t kSlackBytes = 4096;    // a record may begin on the last byte
constexpr unsigned kMaxCpus = 1024;

struct alignas(128) Ring {
  char* data;
  std::uint64_t position;
};
Ring g_rings[kMaxCpus];

std::uint64_t ticks() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  std::uint64_t value;
  asm volatile("mrs %0, cntvct_el0" : "=r"(value));
  return value;
#endif
}

/// The CPU as glibc's rseq area has it: one load.
unsigned this_cpu() {
  auto* area = reinterpret_cast<volatile struct rseq*>(
      static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
  return area->cpu_id_start % kMaxCpus;
}

void empty(Count count) {
  for (Count n = 0; n < count; n++) {
    int i = static_cast<int>(n);
    keep(i);
  }
}

void clock_ticks(Count count) {
  for (Count n = 0; n < count; n++) {
    std::uint64_t time = ticks();
    keep(time);
  }
}

void clock_vdso(Count count) {
  for (Count n = 0; n < count; n++) {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    keep(time.tv_nsec);
  }
}

/// A tracer that nobody may interrupt: clock, 4-byte header, payload, position. Wrong as soon as a signal comes.
template <unsigned kPayloadBytes>
void stores(Count count) {
  std::uint32_t payload[kPayloadBytes / 4 + 1] = {};
  for (Count n = 0; n < count; n++) {
    auto i = static_cast<std::uint32_t>(n);
    keep(i);
    payload[0] = i;
    Ring& ring = g_rings[this_cpu()];
    std::uint64_t position = ring.position;
    std::uint32_t header = 1 | static_cast<std::uint32_t>(ticks() << 5);
    char* to = ring.data + position % kRingBytes;
    std::memcpy(to, &header, 4);
    std::memcpy(to + 4, payload, kPayloadBytes);
    asm volatile("" ::: "memory");
    ring.position = position + 4 + kPayloadBytes;
  }
}

/// The bytes of the record alone, without a clock.
template <unsigned kPayloadBytes>
void copy(Count count) {
  char record[4 + kPayloadBytes] = {};
  Ring& ring = g_rings[this_cpu()];
  std::uint64_t position = ring.position;
  for (Count n = 0; n < count; n++) {
    asm volatile("" : : "r"(record) : "memory");
    std::memcpy(ring.data + position % kRingBytes, record, sizeof record);
    position += sizeof record;
  }
  ring.position = position;
}

void make_rings() {
  for (Ring& ring : g_rings) {
    ring.data = static_cast<char*>(mmap(nullptr, kRingBytes + kSlackBytes, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    if (ring.data == MAP_FAILED) std::exit(1);
  }
}

}  // namespace

int main() {
  make_rings();
  return sillage::bench::serve({{"empty-loop", empty},
                                {"rdtsc", clock_ticks},
                                {"clock_gettime", clock_vdso},
                                {"stores/none", stores<0>},
                                {"stores/int1", stores<4>},
                                {"stores/int2", stores<8>},
                                {"stores/int4", stores<16>},
                                {"stores/intstr", stores<20>},
                                {"stores/arr64", stores<64>},
                                {"memcpy/none", copy<0>},
                                {"memcpy/int1", copy<4>},
                                {"memcpy/int2", copy<8>},
                                {"memcpy/int4", copy<16>},
                                {"memcpy/intstr", copy<20>},
                                {"memcpy/arr64", copy<64>}});
}
