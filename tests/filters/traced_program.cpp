// SPDX-License-Identifier: MIT
// Sends COUNT events of each of its tracepoints; record_test.py knows their fields as functions of n.
#include <sillage/tracepoint.h>

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

void send(std::int32_t n) {
  const auto u = static_cast<std::uint8_t>(n * 7);
  SILLAGE_TRACEPOINT(flt, number, INFO, sillage_field(n, n), sillage_field(u, u));
  const std::string s = "item" + std::to_string(n % 13);
  std::uint16_t q[3];
  for (int i = 0; i < 3; i++) q[i] = static_cast<std::uint16_t>(n + i);
  const std::int64_t w = std::int64_t{n} * n;
  SILLAGE_TRACEPOINT(flt, text, INFO, sillage_field(n, n), sillage_field(s, s.c_str()),
                     sillage_nowrite(sillage_field(w, w)), sillage_sequence(q, q, n % 4),
                     sillage_field(m, -n));
  std::uint32_t array[12] = {};
  array[11] = static_cast<std::uint32_t>(n) << 20;
  SILLAGE_TRACEPOINT(flt, block, INFO, sillage_field(n, n), sillage_field(array, array),
                     sillage_field(d, n / 8.0));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int count = std::atoi(argv[1]);
  const int threads = argc > 2 ? std::atoi(argv[2]) : 1;
  std::vector<std::thread> running;
  running.reserve(static_cast<std::size_t>(threads));
  for (int i = 0; i < threads; i++) {
    running.emplace_back([=] {
      for (int n = i; n < count; n += threads) send(n);
    });
  }
  for (std::thread& thread : running) thread.join();
  if (argc > 3) sleep(static_cast<unsigned>(std::atoi(argv[3])));
}
