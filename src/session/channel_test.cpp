// SPDX-License-Identifier: MIT
#include "session/channel.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

Channel make_channel() { return Channel::create({}).value(); }

TEST(Channel, Create_RefusesWhatCannotBe) {
  for (const char* name : {"", ".", "..", "a/b"}) {
    EXPECT_EQ(Channel::create({.name = name}).error().code, Code::kInvalidArgument) << name;
  }
  EXPECT_FALSE(Channel::create({.name = std::string(250, 'c')}));
  EXPECT_FALSE(Channel::create({.overwrite = true, .blocking_timeout = Nanoseconds{1}}));
  EXPECT_FALSE(Channel::create({.subbuf_bytes = ByteCount{0}}));
  EXPECT_FALSE(Channel::create({.subbuf_count = 0}));
  EXPECT_TRUE(Channel::create({.overwrite = true}));
}

TEST(Channel, E9_RuleIdentityIsAllOfIt) {
  Channel channel = make_channel();
  EventRule rule{.pattern = "app:*", .exclusions = {"app:x"}, .level = {}};
  ASSERT_TRUE(channel.add_rule(rule));
  EXPECT_EQ(channel.add_rule(rule).error().code, Code::kAlreadyExists);
  rule.level = {LogLevelRule::Kind::kOnly, 3};
  EXPECT_TRUE(channel.add_rule(rule));
  rule.exclusions.clear();
  EXPECT_EQ(channel.remove_rule(rule).error().code, Code::kNotFound);
  EXPECT_TRUE(channel.add_rule(rule));
  EXPECT_TRUE(channel.remove_rule(rule));
  EXPECT_EQ(channel.rules().size(), 2u);
}

TEST(Channel, ExclusionsOfOneName_AreRefused) {
  Channel channel = make_channel();
  EXPECT_EQ(
      channel.add_rule({.pattern = "app:start", .exclusions = {"app:*"}, .level = {}}).error().code,
      Code::kInvalidArgument);
  EXPECT_FALSE(channel.add_rule({.pattern = "", .exclusions = {}, .level = {}}));
  EXPECT_FALSE(channel.add_rule({.pattern = "*", .exclusions = {""}, .level = {}}));
}

TEST(Channel, Judge_SaysHowCloseAnEventCame) {
  Channel channel = make_channel();
  EXPECT_EQ(channel.judge("app:start", 13), Verdict::kNoRule);
  ASSERT_TRUE(channel.add_rule({.pattern = "app:*", .exclusions = {"app:noisy*"}, .level = {}}));
  EXPECT_EQ(channel.judge("app:start", 13), Verdict::kRecorded);
  EXPECT_EQ(channel.judge("app:noisy_poll", 13), Verdict::kExcluded);
  EXPECT_EQ(channel.judge("lib:start", 13), Verdict::kNoRule);
  ASSERT_TRUE(channel.add_rule(
      {.pattern = "lib:*", .exclusions = {}, .level = {LogLevelRule::Kind::kAtLeastAsSevere, 4}}));
  EXPECT_EQ(channel.judge("lib:start", 13), Verdict::kLevel);
  EXPECT_EQ(channel.judge("lib:start", 4), Verdict::kRecorded);
}

TEST(Channel, E9_AnyOfSeveralRulesRecords) {
  Channel channel = make_channel();
  ASSERT_TRUE(channel.add_rule({.pattern = "*", .exclusions = {"app:*"}, .level = {}}));
  ASSERT_TRUE(channel.add_rule({.pattern = "app:start", .exclusions = {}, .level = {}}));
  EXPECT_EQ(channel.judge("app:start", 13), Verdict::kRecorded);
  EXPECT_EQ(channel.judge("app:stop", 13), Verdict::kExcluded);
}

TEST(Channel, Filters_ArePartOfARule) {
  Channel channel = make_channel();
  EventRule rule{.pattern = "app:*", .exclusions = {}, .level = {}, .filter = "a == 1"};
  ASSERT_TRUE(channel.add_rule(rule));
  EXPECT_EQ(channel.add_rule(rule).error().code, Code::kAlreadyExists);
  rule.filter = "a == 2";
  ASSERT_TRUE(channel.add_rule(rule));
  ASSERT_TRUE(channel.add_rule({.pattern = "other:*", .exclusions = {}, .level = {}}));
  const auto wanting = channel.rules_for("app:start", 13);
  ASSERT_EQ(wanting.size(), 2u);
  EXPECT_EQ(wanting[0]->filter, "a == 1");
  EXPECT_EQ(wanting[1]->filter, "a == 2");
  EXPECT_EQ(channel.rules_for("other:x", 13).size(), 1u);
  EXPECT_TRUE(channel.rules_for("none:x", 13).empty());
}

TEST(Channel, D10_StateDumpIsForWhoHasAddresses) {
  constexpr const char* kDump = "lttng_ust_statedump:bin_info";
  constexpr const char* kLoad = "lttng_ust_lib:load";
  for (const char* all : {"*", "*:*", "*info"}) {
    Channel channel = make_channel();
    ASSERT_TRUE(channel.add_rule({.pattern = all}));
    EXPECT_EQ(channel.judge(kDump, 13), Verdict::kNoRule) << all;
    EXPECT_FALSE(channel.wants_state()) << all;
    EXPECT_TRUE(channel.rules_for(kDump, 13).empty()) << all;
    EXPECT_EQ(channel.judge("lttng_ust_tracef:info", 13), Verdict::kRecorded) << all;
    ASSERT_TRUE(channel.add_context(kAddressContext));
    EXPECT_EQ(channel.judge(kDump, 13), Verdict::kRecorded) << all;
    EXPECT_TRUE(channel.wants_state()) << all;
    EXPECT_EQ(channel.rules_for(kDump, 13).size(), 1u) << all;
  }
  Channel named = make_channel();
  ASSERT_TRUE(named.add_rule({.pattern = "lttng_ust_statedump:*"}));
  EXPECT_EQ(named.judge(kDump, 13), Verdict::kRecorded);
  EXPECT_EQ(named.judge(kLoad, 13), Verdict::kNoRule);
  EXPECT_TRUE(named.wants_state());
  Channel part = make_channel();
  ASSERT_TRUE(part.add_rule({.pattern = "lttng_ust_statedump:procname"}));
  EXPECT_TRUE(part.wants_state());
}

TEST(Channel, Contexts_OnceEach) {
  Channel channel = make_channel();
  ASSERT_TRUE(channel.add_context(2));
  EXPECT_EQ(channel.add_context(2).error().code, Code::kAlreadyExists);
  for (std::uint32_t i = 100; i < 131; ++i) ASSERT_TRUE(channel.add_context(i));
  EXPECT_EQ(channel.add_context(131).error().code, Code::kLimit);
}

TEST(Channel, AppContexts_AreNamedAndNumbered) {
  Channel channel = make_channel();
  ASSERT_TRUE(channel.add_context(2));
  ASSERT_TRUE(channel.add_app_context("$app.test:kind"));
  ASSERT_TRUE(channel.add_app_context("$app.a.b-c:d:e"));
  EXPECT_EQ(channel.contexts(), (std::vector<std::uint32_t>{2, 128, 129}));
  EXPECT_EQ(channel.app_contexts()[1], "$app.a.b-c:d:e");
  // The fields of two contexts would be called the same.
  for (const char* name :
       {"$app.test:kind", "$app.test.kind:", "$app.test:kind_tag", "$app.a_b:c_d_e"})
    EXPECT_FALSE(channel.add_app_context(name)) << name;
  for (const char* name : {"$app.test", "$app.:kind", "app.test:kind", "$app.te st:kind", "vpid"})
    EXPECT_EQ(channel.add_app_context(name).error().code, Code::kInvalidArgument) << name;
  EXPECT_FALSE(channel.add_app_context("$app.test:" + std::string(256, 'x')));
}

TEST(Channel, Counters_AreNumberedBesideTheOthers) {
  Channel channel = make_channel();
  ASSERT_TRUE(channel.add_counter("perf:thread:faults"));
  ASSERT_TRUE(channel.add_context(2));
  ASSERT_TRUE(channel.add_app_context("$app.test:kind"));
  ASSERT_TRUE(channel.add_counter("perf:thread:page-fault"));
  EXPECT_EQ(channel.contexts(), (std::vector<std::uint32_t>{160, 2, 128, 161}));
  EXPECT_EQ(channel.counters()[1].field, "perf_thread_page_fault");
  EXPECT_EQ(channel.add_counter("perf:thread:faults").error().code, Code::kAlreadyExists);
  EXPECT_EQ(channel.add_counter("perf:cpu:faults").error().code, Code::kNotFound);
  EXPECT_EQ(channel.add_counter("perf:thread:raw:r1").error().code, Code::kInvalidArgument);
  EXPECT_EQ(channel.counters().size(), 2u);
}

}  // namespace
}  // namespace sillage::session
