// SPDX-License-Identifier: MIT
#include "session/kernel_channel.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

KernelChannel channel() { return *KernelChannel::create({}); }
constexpr auto kTracepoint = KernelRule::Kind::kTracepoint;
constexpr auto kSyscall = KernelRule::Kind::kSyscall;

TEST(KernelChannel, FindsTheRuleByEitherName) {
  KernelChannel rules = channel();
  ASSERT_TRUE(rules.add_rule({.pattern = "sched_*", .exclusions = {"sched_stat_*"}}));
  ASSERT_TRUE(rules.add_rule({.pattern = "softirq_entry", .filter = "vec == 1"}));
  EXPECT_NE(rules.find_rule(kTracepoint, "sched_switch", "sched_switch"), nullptr);
  EXPECT_EQ(rules.find_rule(kTracepoint, "sched_stat_runtime", ""), nullptr);
  EXPECT_EQ(rules.find_rule(kTracepoint, "irq_handler_entry", ""), nullptr);
  EXPECT_EQ(rules.find_rule(kSyscall, "sched_yield", ""), nullptr);
  const KernelRule* by_kernels = rules.find_rule(kTracepoint, "irq_softirq_entry", "softirq_entry");
  ASSERT_NE(by_kernels, nullptr);
  EXPECT_EQ(by_kernels->filter, "vec == 1");
}

TEST(KernelChannel, RefusesWhatCannotBe) {
  EXPECT_FALSE(KernelChannel::create({.name = "a/b"}));
  EXPECT_FALSE(KernelChannel::create({.subbuf_bytes = ByteCount{0}}));
  EXPECT_FALSE(KernelChannel::create({.subbuf_count = 0}));
  KernelChannel rules = channel();
  EXPECT_FALSE(rules.add_rule({.pattern = ""}));
  EXPECT_FALSE(rules.add_rule({.pattern = std::string(2000, 'a')}));
  EXPECT_FALSE(rules.add_rule({.pattern = "sched_switch", .exclusions = {"sched_*"}}));
  EXPECT_FALSE(rules.add_rule(
      {.kind = KernelRule::Kind::kFunction, .pattern = "vfs_*", .exclusions = {"vfs_read"}}));
  ASSERT_TRUE(rules.add_rule({.pattern = "sched_switch"}));
  EXPECT_FALSE(rules.add_rule({.pattern = "sched_switch"}));
  EXPECT_TRUE(rules.add_rule({.kind = kSyscall, .pattern = "sched_switch"}));
  ASSERT_TRUE(rules.add_context("pid"));
  EXPECT_FALSE(rules.add_context("pid"));
}

}  // namespace
}  // namespace sillage::session
