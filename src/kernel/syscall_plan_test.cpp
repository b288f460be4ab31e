// SPDX-License-Identifier: MIT
#include "kernel/syscall_plan.hpp"

#include "bpf/program.hpp"
#include "kernel/kernel_channel.hpp"
#include "kernel/program_builder.hpp"
#include "tracefs/kernel_events.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

namespace sillage::kernel {
namespace {

// Without BPF there is nothing to test.
#define SKIP_WITHOUT(result) \
  if (!(result)) GTEST_SKIP() << (result).error().text()

TEST(SyscallRules, BuiltIn_DefinesWhatItUses) {
  const auto rules = SyscallRules::built_in();
  ASSERT_TRUE(rules) << rules.error().text();
  EXPECT_EQ(rules->undefined_names(), std::vector<std::string>{});
}

TEST(SyscallRules, ArgumentRules_LaterOnesAreStronger) {
  const auto rules = SyscallRules::parse(
      "enum e A=1\n  B=0x10 C=-1\n"
      "show hex *.flags\nshow e call.flags\nin call.*\nout call.buffer\nrename call.x=y\n",
      "test");
  ASSERT_TRUE(rules) << rules.error().text();
  EXPECT_EQ(rules->argument("other", "flags").format, "hex");
  EXPECT_EQ(rules->argument("call", "flags").format, "e");
  EXPECT_EQ(rules->argument("call", "flags").direction, ArgumentRule::Direction::kIn);
  EXPECT_EQ(rules->argument("call", "buffer").direction, ArgumentRule::Direction::kOut);
  EXPECT_EQ(rules->argument("call", "x").field, "y");
  const SyscallEnum* const labels = rules->find_enum("e");
  ASSERT_NE(labels, nullptr);
  ASSERT_EQ(labels->labels.size(), 3u);
  EXPECT_EQ(labels->labels[1].value, 16u);
  EXPECT_EQ(labels->labels[2].value, ~std::uint64_t{0});
}

TEST(SyscallRules, Fields_OfTheirCallsAndEnds) {
  const auto rules = SyscallRules::parse(
      "flags f LOW@0:2=e HIGH=8\n"
      "call one two\n"
      "  entry@compat array u32 list/length = a # b + 1 max 7 where c\n"
      "  both string text = a\n"
      "enum e X=0\n",
      "test");
  ASSERT_TRUE(rules) << rules.error().text();
  ASSERT_EQ(rules->fields("two").size(), 2u);
  EXPECT_TRUE(rules->fields("three").empty());
  const SyscallField& list = *rules->fields("one")[0];
  EXPECT_EQ(list.kind, SyscallField::Kind::kArray);
  EXPECT_TRUE(list.at_entry && !list.at_exit && list.in_compat && !list.in_native);
  EXPECT_EQ(list.name + " " + list.length_name + " " + list.type + " " + list.wanted,
            "list length u32 c");
  EXPECT_EQ(list.max_count, 7u);
  const auto* const flags = rules->find_flags("f");
  ASSERT_NE(flags, nullptr);
  EXPECT_EQ((*flags)[0].width, 2u);
  EXPECT_EQ((*flags)[1].shift, 3u);
}

TEST(SyscallRules, BadLines_NameTheirPlace) {
  for (const char* const line :
       {"enum e A", "flags f A=3", "flags f A=1 B@0:4", "struct s t", "what call.a", "in call",
        "rename call.a", "call c\n  entry value u8 x", "call c\n  never value u8 x = a",
        "call c\n  entry array u8 x = a # b", "call c\n  entry address x = a",
        "call c\n  entry value u8 x = a +", "call c\n  entry@x value u8 x = a"}) {
    const auto rules = SyscallRules::parse(std::string("# comment\n") + line + "\n", "file");
    ASSERT_FALSE(rules) << line;
    EXPECT_EQ(rules.error().code, Code::kInvalidArgument) << line;
    EXPECT_TRUE(rules.error().location.starts_with("file:")) << rules.error().text();
  }
}

// The running kernel as all tests below need it.
struct Kernel {
  Btf btf;
  SystemCalls calls;
};

Result<Kernel> open_kernel() {
  auto btf = Btf::load();
  if (!btf) return tl::unexpected(std::move(btf).error());
  const auto tracefs = tracefs::find_tracefs();
  if (!tracefs) return tl::unexpected(tracefs.error());
  auto calls = SystemCalls::load(*tracefs, &*btf);
  if (!calls) return tl::unexpected(std::move(calls).error());
  return Kernel{std::move(*btf), std::move(*calls)};
}

TEST(SyscallRules, BuiltIn_NamesArgumentsThatThereAre) {
  const auto kernel = open_kernel();
  SKIP_WITHOUT(kernel);
  const auto rules = SyscallRules::built_in();
  ASSERT_TRUE(rules);
  for (const auto& [name, argument] : rules->named_arguments()) {
    if (argument == "ret" || argument == "family") continue;  // of no register
    for (const SystemCall& call : kernel->calls.all()) {
      if (call.name != name || call.abi != Abi::kNative || !call.has_types) continue;
      EXPECT_TRUE(std::any_of(
          call.arguments.begin(), call.arguments.end(),
          [&argument = argument](const SystemCallArgument& one) { return one.name == argument; }))
          << name << " has no argument " << argument;
    }
  }
}

TEST(SyscallPlan, LinesOfTheRules_BecomeFields) {
  const auto kernel = open_kernel();
  SKIP_WITHOUT(kernel);
  const auto rules = SyscallRules::built_in();
  ASSERT_TRUE(rules);
  const auto planner = SyscallPlanner::create(kernel->btf);
  SKIP_WITHOUT(planner);
  std::uint32_t found = 0;
  for (const SystemCall& call : kernel->calls.all()) {
    if (!call.has_types) continue;
    for (const bool at_exit : {false, true}) {
      const SyscallEvent event = planner->plan(call, at_exit, 8);
      for (const SyscallField* const line : rules->fields(call.name)) {
        if (!(at_exit ? line->at_exit : line->at_entry)) continue;
        if (!(call.abi == Abi::kNative ? line->in_native : line->in_compat)) continue;
        ++found;
        EXPECT_TRUE(std::any_of(event.plan.fields.begin(), event.plan.fields.end(),
                                [&](const FieldPlan& field) { return field.name == line->name; }))
            << event.plan.name << " has no " << line->name;
      }
    }
  }
  EXPECT_GT(found, 100u);
}

TEST(SyscallPlan, EveryCall_LoadsIntoTheKernel) {
  const auto kernel = open_kernel();
  SKIP_WITHOUT(kernel);
  const auto planner = SyscallPlanner::create(kernel->btf);
  SKIP_WITHOUT(planner);
  const auto cpus = static_cast<std::uint32_t>(::sysconf(_SC_NPROCESSORS_CONF));
  const auto geometry = ring::KernelRingGeometry::make({}, cpus);
  ASSERT_TRUE(geometry);
  auto channel = KernelChannel::create(*geometry, {}, {}, 0);
  SKIP_WITHOUT(channel);
  // A descriptor for each of some 1,500 programs.
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  limit.rlim_cur = limit.rlim_max;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  using Clock = std::chrono::steady_clock;
  Clock::duration slowest{};
  std::string slowest_name;
  std::uint32_t id = 0, refused = 0;
  const auto begin = Clock::now();
  for (const SystemCall& call : kernel->calls.all()) {
    for (const bool at_exit : {false, true}) {
      const auto start = Clock::now();
      const auto event = planner->plan(call, at_exit, 0);
      const auto added = (*channel)->add_syscall(event, EventId{id++}, kernel->btf);
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
