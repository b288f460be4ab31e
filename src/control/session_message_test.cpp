// SPDX-License-Identifier: MIT
#include "control/session_message.hpp"

#include <gtest/gtest.h>

namespace sillage::control {
namespace {

v1::CreateRecordingRequest sound_request() {
  v1::CreateRecordingRequest request;
  request.set_name("auto");
  request.set_output_path("/tmp/t");
  request.set_format(v1::CreateRecordingRequest::CTF_2);
  request.add_pids(12);
  request.set_mark("A=b");
  v1::Channel* channel = request.add_channels();
  channel->set_name("channel0");
  channel->set_subbuf_bytes(4096);
  channel->set_per_process(true);
  channel->add_contexts(2);
  v1::EventRule* rule = channel->add_rules();
  rule->set_pattern("app:*");
  rule->add_exclusions("app:x");
  rule->set_level_kind(v1::EventRule::ONLY);
  rule->set_level(3);
  return request;
}

TEST(SessionMessage, SoundRequest_IsTheSession) {
  auto session = session_of(sound_request());
  ASSERT_TRUE(session) << session.error().text();
  EXPECT_EQ(session->options().format, session::TraceFormat::kCtf2);
  EXPECT_EQ(session->options().processes.mark, "A=b");
  EXPECT_TRUE(session->options().processes.pids.contains(12));
  const session::Channel& channel = session->channels().at(0);
  EXPECT_EQ(channel.options().subbuf_bytes->value, 4096u);
  EXPECT_FALSE(channel.options().subbuf_count);
  EXPECT_EQ(channel.options().ownership, session::BufferOwnership::kProcess);
  EXPECT_EQ(channel.judge("app:y", 3), session::Verdict::kRecorded);
  EXPECT_EQ(channel.judge("app:y", 2), session::Verdict::kLevel);
  EXPECT_EQ(channel.judge("app:x", 3), session::Verdict::kExcluded);
}

TEST(SessionMessage, Malicious_Values) {
  auto refused = [](auto change) {
    auto request = sound_request();
    change(&request);
    return !session_of(request).has_value();
  };
  EXPECT_FALSE(refused([](v1::CreateRecordingRequest*) {}));
  EXPECT_TRUE(refused([](auto* request) { request->clear_channels(); }));
  EXPECT_TRUE(refused([](auto* request) { request->set_output_path("relative"); }));
  EXPECT_TRUE(refused([](auto* request) { request->set_name("../x"); }));
  EXPECT_TRUE(refused([](auto* request) { request->add_pids(-1); }));
  EXPECT_TRUE(refused([](auto* request) { *request->add_channels() = request->channels(0); }));
  EXPECT_TRUE(refused([](auto* request) { request->mutable_channels(0)->set_name("a/b"); }));
  EXPECT_TRUE(refused([](auto* request) { request->mutable_channels(0)->add_contexts(2); }));
  EXPECT_TRUE(refused(
      [](auto* request) { request->mutable_channels(0)->mutable_rules(0)->set_level(15); }));
  EXPECT_TRUE(refused([](auto* request) {
    request->mutable_channels(0)->mutable_rules(0)->set_level_kind(
        static_cast<v1::EventRule::LevelKind>(9));
  }));
  EXPECT_TRUE(refused(
      [](auto* request) { request->mutable_channels(0)->mutable_rules(0)->set_pattern(""); }));
}

}  // namespace
}  // namespace sillage::control
