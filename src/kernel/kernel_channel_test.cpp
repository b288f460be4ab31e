// SPDX-License-Identifier: MIT
#include "kernel/kernel_channel.hpp"

#include "kernel/probe_plan.hpp"
#include "kernel/program_plan.hpp"
#include "ring/kernel_ring.hpp"
#include "tracefs/kernel_events.hpp"

#include <gtest/gtest.h>

#include <time.h>
#include <unistd.h>

#include <string_view>
#include <vector>

namespace sillage::kernel {
namespace {

std::uint64_t now_ns() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(time.tv_nsec);
}

TEST(KernelChannel, RecordsATracepointByItsFormat) {
  const auto mount = tracefs::find_tracefs();
  if (!mount) GTEST_SKIP() << mount.error().text();
  const auto format = tracefs::read_event_format(*mount, {"sched", "sched_switch"});
  ASSERT_TRUE(format) << format.error().text();
  const auto plan = plan_tracepoint(*format);
  ASSERT_TRUE(plan) << plan.error().text();
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
  const auto geometry = ring::KernelRingGeometry::make({}, cpus);
  ASSERT_TRUE(geometry);
  auto channel = KernelChannel::create(*geometry, {}, {}, 0);
  ASSERT_TRUE(channel) << channel.error().text();
  auto ring = ring::KernelRing::create(std::move(*(*channel)->ring_fd()), *geometry, {now_ns()});
  ASSERT_TRUE(ring) << ring.error().text();
  const auto added = (*channel)->add_event(*plan, EventId{0}, nullptr);
  ASSERT_TRUE(added) << added.error().text();
  const auto started = (*channel)->start();
  ASSERT_TRUE(started) << started.error().text();
  for (int i = 0; i < 100; ++i) ::usleep(1000);
  (*channel)->stop();
  std::uint64_t events = 0, own = 0;
  std::vector<std::byte> buffer(geometry->subbuf_bytes);
  for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) {
    auto reader = ring->reader(cpu);
    while (const auto run = reader.next_run(buffer, true)) {
      events += run->events;
      std::string_view bytes(reinterpret_cast<const char*>(run->bytes.data()), run->bytes.size());
      for (std::size_t at = 0; (at = bytes.find("kernel_test", at)) != std::string_view::npos; ++at)
        ++own;
    }
    EXPECT_EQ(reader.lost_by_writers(), 0u);
  }
  EXPECT_GE(events, 200u);
  // The kernel does not run a program of this kind while another runs on that CPU.
  EXPECT_GE(own + (*channel)->recursion_misses(), 180u);
}

// Also where there are no kprobes: the verifier says what it thinks of the programs before they are attached.
TEST(KernelChannel, ProgramsOfFunctionProbes_AreLoaded) {
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
  const auto geometry = ring::KernelRingGeometry::make({}, cpus);
  ASSERT_TRUE(geometry);
  auto channel = KernelChannel::create(*geometry, {}, {}, 0);
  if (!channel && channel.error().code == Code::kPermission) GTEST_SKIP() << channel.error().text();
  ASSERT_TRUE(channel) << channel.error().text();
  std::uint32_t id = 0;
  for (const PlacedEvent& event : plan_function_probes("do_mmap")) {
    const EventPlan& plan = event.places.front();
    EXPECT_EQ(plan.fields.size(), id + 1);  // ip; parent_ip at the exit
    const auto added = (*channel)->add_event(plan, EventId{id++}, nullptr);
    EXPECT_TRUE(added) << plan.name << ": " << added.error().text();
  }
  EXPECT_EQ(id, 2u);
}

}  // namespace
}  // namespace sillage::kernel
