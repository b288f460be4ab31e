// SPDX-License-Identifier: MIT
// A program on another machine records into a ring that this machine's reader understands: every value sent is
// read, in order, behind headers whose time does not go back. GoogleTest is not there for other machines.
#include <sillage/site.h>
#include "fake_collector.hpp"
#include "ring/ring.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using sillage::Nanoseconds;
using sillage::ring::Ring;
using sillage::ring::StreamReader;

constexpr std::uint32_t kEvents =
    20'000;  // several sub-buffers of the smallest size, in both kinds of record
constexpr std::size_t kPayloadBytes =
    12;  // sequence and its square: would show torn or shifted words

const std::uint64_t g_closed = 0;
const sillage_field g_fields[] = {
    {"sequence", nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, 4, 0, 10, 0},
    {"square", nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, 8, 0, 10, 0},
};
const sillage_event g_event = {"smoke", "one", __FILE__, nullptr, g_fields, 1, 2, 6, 0};
sillage_site g_site = {&g_closed, nullptr, &g_event, 0, 0};
sillage_site* g_sites[] = {&g_site};
sillage_image g_image = {g_sites, g_sites + 1, nullptr, &g_closed};

[[noreturn]] void fail(const char* what, std::uint64_t got, std::uint64_t expected) {
  std::fprintf(stderr, "smoke: %s: %llu where %llu is expected\n", what,
               static_cast<unsigned long long>(got), static_cast<unsigned long long>(expected));
  std::exit(1);
}

/// Sends event `sequence`: even ones in registers, odd ones from memory.
void emit(std::uint32_t sequence) {
  if (*static_cast<const volatile std::uint64_t*>(g_site.gate) == 0) fail("gate", 0, 1);
  const std::uint64_t square = std::uint64_t{sequence} * sequence;
  char payload[kPayloadBytes];
  std::memcpy(payload, &sequence, 4);
  std::memcpy(payload + 4, &square, 8);
  if (sequence % 2 == 0) {
    std::uint64_t words[2] = {};
    std::memcpy(words, payload, sizeof payload);
    sillage_emit_words(&g_site, sizeof payload, words[0], words[1], 0);
  } else {
    sillage_emit_bytes(&g_site, payload, sizeof payload);
  }
}

/// Checks the records of one run and marks their sequences as seen.
void check_run(const sillage::ring::Run& run, std::vector<bool>* seen) {
  const auto* at = reinterpret_cast<const char*>(run.bytes.data());
  const char* end = at + run.bytes.size();
  std::uint64_t records = 0;
  for (; at < end; at += kPayloadBytes, ++records) {
    std::uint32_t header = 0;
    std::memcpy(&header, at, 4);
    at += (header & 31) == SILLAGE_RECORD_ID_EXTENDED ? SILLAGE_RECORD_EXTENDED_BYTES
                                                      : SILLAGE_RECORD_COMPACT_BYTES;
    std::uint32_t sequence = 0;
    std::uint64_t square = 0;
    std::memcpy(&sequence, at, 4);
    std::memcpy(&square, at + 4, 8);
    if (sequence >= kEvents) fail("sequence", sequence, kEvents - 1);
    if (square != std::uint64_t{sequence} * sequence)
      fail("square", square, std::uint64_t{sequence} * sequence);
    if ((*seen)[sequence]) fail("times an event was read", 2, 1);
    (*seen)[sequence] = true;
  }
  if (records != run.events) fail("records in a run", records, run.events);
}

}  // namespace

int main() {
  const char* directory = std::getenv("SILLAGE_RUNTIME_DIR");
  if (directory == nullptr) {
    std::fputs("smoke: set SILLAGE_RUNTIME_DIR to a directory of its own\n", stderr);
    return 1;
  }
  sillage::testing::FakeCollector collector(directory);
  auto ring = Ring::create({}, Nanoseconds{sillage::testing::kernel_monotonic_ns()});
  if (!ring) {
    std::fprintf(stderr, "smoke: %s\n", ring.error().text().c_str());
    return 1;
  }
  collector.attach(&*ring);
  sillage_image_register(&g_image);
  for (std::uint32_t i = 0; i < kEvents; ++i) emit(i);

  std::vector<bool> seen(kEvents);
  std::vector<std::byte> buffer(static_cast<std::size_t>(ring->geometry().subbuf_bytes));
  std::uint64_t lost = 0;
  for (std::uint32_t i = 0; i < ring->geometry().stream_count; ++i) {
    StreamReader reader = ring->reader(i);
    while (auto run = reader.next_run(buffer, true)) {
      check_run(*run, &seen);
      if (!run->closed) break;
    }
    for (std::uint64_t count : reader.loss().by_writers) lost += count;
  }
  std::uint64_t read = 0;
  for (bool one : seen) read += one ? 1 : 0;
  if (read + lost != kEvents) fail("events read or counted as lost", read + lost, kEvents);
  if (read != kEvents) fail("events read", read, kEvents);
  std::printf("%llu events of a %zu-bit program, nothing lost\n",
              static_cast<unsigned long long>(read), 8 * sizeof(void*));
  sillage_image_unregister(&g_image);
  return 0;
}
