// SPDX-License-Identifier: MIT
#include "kernel/state_dump.hpp"

#include "kernel/tracer.hpp"
#include "ring/kernel_ring.hpp"

#include <gtest/gtest.h>

#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace sillage::kernel {
namespace {

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

bool must_run() { return std::getenv("SILLAGE_REQUIRE_KERNEL") != nullptr; }

TEST(StateDump, RecordsWhatIsThere) {
  const auto tracer = Tracer::open();
  if (!tracer || tracer->btf() == nullptr) {
    ASSERT_FALSE(must_run());
    GTEST_SKIP() << "no types";
  }
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
  const auto geometry = ring::KernelRingGeometry::make({}, cpus);
  ASSERT_TRUE(geometry);
  auto channel = KernelChannel::create(*geometry, {}, tracer->casts(), 0);
  if (!channel && channel.error().code == Code::kPermission && !must_run())
    GTEST_SKIP() << channel.error().text();
  ASSERT_TRUE(channel) << channel.error().text();
  auto ring = ring::KernelRing::create(std::move(*(*channel)->ring_fd()), *geometry, {now_ns()});
  ASSERT_TRUE(ring) << ring.error().text();

  std::uint32_t next = 0;
  const auto declare = [&](const std::string&, const ctf::FieldClassRef&) -> Result<EventId> {
    return EventId{next++};
  };
  auto dump = StateDump::create(**channel, tracer->btf(), {.memory_maps = true}, declare);
  ASSERT_TRUE(dump) << dump.error().text();
  for (const std::string& why : dump->left_out()) ADD_FAILURE() << why;
  const std::uint64_t begin = now_ns();
  const Status ran = dump->run();
  ASSERT_TRUE(ran) << ran.error().text();
  RecordProperty("dump_us", static_cast<int>((now_ns() - begin) / 1000));

  std::string bytes;
  std::uint64_t events = 0;
  std::vector<std::byte> buffer(geometry->subbuf_bytes);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    auto reader = ring->reader(cpu);
    while (const auto run = reader.next_run(buffer, true)) {
      events += run->events;
      bytes.append(reinterpret_cast<const char*>(run->bytes.data()), run->bytes.size());
    }
    EXPECT_EQ(reader.lost_by_writers(), 0u);
  }
  EXPECT_GT(events, 100u);
  EXPECT_NE(bytes.find("kernel_state_du"), std::string::npos) << "this process's name";
  EXPECT_NE(bytes.find("/dev/null"), std::string::npos) << "somebody's file";
}

}  // namespace
}  // namespace sillage::kernel
