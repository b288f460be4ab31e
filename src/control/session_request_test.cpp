// SPDX-License-Identifier: MIT
#include "control/session_request.hpp"

#include <gtest/gtest.h>

namespace sillage::control {
namespace {

using session::RecordingRule;

TEST(SessionRequest, Rules_ComeBackAsTheyWere) {
  const RecordingRule rules[] = {
      {},
      {.name = "a:*",
       .exclusions = {"a:b", "a:c"},
       .level = {session::LogLevelRule::Kind::kOnly, 3},
       .filter = "x > 1"},
      {.kind = RecordingRule::Kind::kKernelTracepoint, .name = "sched_*"},
      {.kind = RecordingRule::Kind::kSyscall, .name = "open*"},
      {.kind = RecordingRule::Kind::kFunction, .name = "f", .place = "do_exit"},
      {.kind = RecordingRule::Kind::kProbe, .name = "p", .place = "do_exit+4"},
      {.kind = RecordingRule::Kind::kUserspaceProbe, .name = "u", .place = "/bin/sh:main"},
  };
  for (const RecordingRule& rule : rules) {
    v1::RecordingRule message;
    fill(rule, &message);
    const auto back = rule_of(message);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(*back, rule);
  }
}

TEST(SessionRequest, Channels_SayWhatTheyWereGiven) {
  auto session = session::Session::create({.name = "s", .output_path = "/t"});
  ASSERT_TRUE(session);
  ASSERT_TRUE(session->enable_channel(session::Domain::kUser,
                                      {.name = "c",
                                       .subbuf_bytes = ByteCount{65536},
                                       .blocking_timeout = session::kForEver,
                                       .ownership = session::BufferOwnership::kProcess}));
  ASSERT_TRUE(session->add_context(session::Domain::kUser, "c", "vpid"));
  v1::Session message;
  fill(*session, &message);
  ASSERT_EQ(message.domains_size(), 1);
  const v1::SessionChannel& shown = message.domains(0).channels(0);
  EXPECT_EQ(shown.contexts(0), "vpid");
  // What is shown of a channel asks for the same channel.
  const auto request = request_of(shown.options());
  ASSERT_TRUE(request);
  const auto again = session::settle(*request, session::Domain::kUser, session::OutputMode::kLocal);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, session->channels(session::Domain::kUser)[0].settings);
}

TEST(SessionRequest, Sessions_ComeBackAsTheyWere) {
  using session::Domain;
  auto session = session::Session::create(
      {.name = "s", .output_path = "/t", .format = session::TraceFormat::kCtf2});
  ASSERT_TRUE(session);
  ASSERT_TRUE(session->enable_channel(Domain::kUser, {.name = "a", .overwrite = true}));
  ASSERT_TRUE(session->enable_channel(Domain::kUser, {.name = "b"}));
  ASSERT_TRUE(session->enable_channel(Domain::kKernel, {.name = "k"}));
  ASSERT_TRUE(session->enable_rule("b", {.name = "x:*", .filter = "n > 1"}));
  ASSERT_TRUE(session->disable_rules(Domain::kUser, "b", {}));
  ASSERT_TRUE(session->enable_rule("b", {.name = "x:*", .exclusions = {"x:y"}}));
  ASSERT_TRUE(session->enable_rule("k", {.kind = RecordingRule::Kind::kSyscall, .name = "open"}));
  ASSERT_TRUE(session->add_context(Domain::kUser, "b", "vtid"));
  ASSERT_TRUE(session->add_context(Domain::kUser, "b", "ip"));
  ASSERT_TRUE(session->disable_channel(Domain::kUser, "a"));
  ASSERT_TRUE(
      (*session->inclusion_set(Domain::kUser, session::ProcessAttribute::kVpid))->add(7, ""));
  v1::Session message;
  fill(*session, &message);
  const auto back = saved_session_of(message);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_TRUE(*back == *session);
  message.mutable_domains(0)->mutable_channels(0)->mutable_options()->set_name("a/b");
  EXPECT_FALSE(saved_session_of(message));
}

TEST(SessionRequest, UnknownNumbers_AreRefused) {
  EXPECT_FALSE(domain_of(static_cast<v1::Domain>(7)));
  EXPECT_FALSE(attribute_of(static_cast<v1::ProcessAttribute>(6)));
  EXPECT_FALSE(attribute_of(static_cast<v1::ProcessAttribute>(-1)));
  v1::RecordingRule rule;
  rule.set_kind(static_cast<v1::RecordingRule::Kind>(9));
  EXPECT_FALSE(rule_of(rule));
  rule.set_kind(v1::RecordingRule::SYSCALL);
  rule.set_level_kind(static_cast<v1::EventRule::LevelKind>(5));
  EXPECT_FALSE(rule_of(rule));
  rule.set_level_kind(v1::EventRule::ONLY);
  rule.set_level(15);
  EXPECT_FALSE(rule_of(rule));
  v1::CreateSessionRequest create;
  create.set_mode(static_cast<v1::CreateSessionRequest::Mode>(4));
  EXPECT_FALSE(request_of(create));
  v1::DisableEventRequest disable;
  disable.set_kind(static_cast<v1::RecordingRule::Kind>(-3));
  EXPECT_FALSE(selection_of(disable));
}

}  // namespace
}  // namespace sillage::control
