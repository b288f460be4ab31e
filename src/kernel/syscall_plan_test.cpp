// SPDX-License-Identifier: MIT
#include "kernel/syscall_plan.hpp"

#include "bpf/program.hpp"
#include "kernel/kernel_channel.hpp"
#include "kernel/program_builder.hpp"
#include "tracefs/kernel_events.hpp"

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace sillage::kernel {
namespace {

// Without BPF there is nothing to test; a machine that must have it says so.
#define SKIP_WITHOUT(result)                                                                 \
  if (!(result)) {                                                                           \
    if (std::getenv("SILLAGE_REQUIRE_KERNEL") != nullptr) FAIL() << (result).error().text(); \
    GTEST_SKIP() << (result).error().text();                                                 \
  }

TEST(SyscallRules, BuiltIn_Parse) {
  const auto rules = SyscallRules::built_in();
  ASSERT_TRUE(rules) << rules.error().text();
}

TEST(SyscallPlan, EveryCall_LoadsIntoTheKernel) {
  const auto btf = Btf::load();
  SKIP_WITHOUT(btf);
  const auto tracefs = tracefs::find_tracefs();
  SKIP_WITHOUT(tracefs);
  const auto calls = SystemCalls::load(*tracefs, &*btf);
  ASSERT_TRUE(calls) << calls.error().text();
  const auto planner = SyscallPlanner::create(*btf);
  SKIP_WITHOUT(planner);
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
  const auto geometry = ring::KernelRingGeometry::make({}, cpus);
  ASSERT_TRUE(geometry);
  auto channel = KernelChannel::create(*geometry, {}, {}, 0);
  SKIP_WITHOUT(channel);
  using Clock = std::chrono::steady_clock;
  Clock::duration slowest{};
  std::string slowest_name;
  std::uint32_t id = 0, refused = 0;
  const auto begin = Clock::now();
  for (const SystemCall& call : calls->all()) {
    for (const bool at_exit : {false, true}) {
      const auto start = Clock::now();
      const auto event = planner->plan(call, at_exit, 0);
      const auto added = (*channel)->add_syscall(event, EventId{id++}, *btf);
      const auto took = Clock::now() - start;
      if (took > slowest) {
        slowest = took;
        slowest_name = event.plan.name;
      }
      EXPECT_TRUE(added) << event.plan.name << ": " << added.error().text();
      if (!added && ++refused > 5) return;
    }
  }
  const auto ms = [](Clock::duration time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
  };
  RecordProperty("all_ms", ms(Clock::now() - begin));
  std::cout << id << " events in " << ms(Clock::now() - begin) << " ms, slowest " << slowest_name
            << " " << ms(slowest) << " ms\n";
}

}  // namespace
}  // namespace sillage::kernel
