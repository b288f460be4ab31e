// SPDX-License-Identifier: MIT
#include "session/recording_session.hpp"

#include <gtest/gtest.h>

namespace sillage::session {
namespace {

RecordingSession::Options options_of(std::string name, std::string path) {
  RecordingSession::Options options;
  options.name = std::move(name);
  options.output_path = std::move(path);
  return options;
}

TEST(RecordingSession, Create_RefusesWhatCannotBe) {
  EXPECT_TRUE(RecordingSession::create(options_of("auto", "/tmp/t")));
  EXPECT_FALSE(RecordingSession::create(options_of("", "/tmp/t")));
  EXPECT_FALSE(RecordingSession::create(options_of("a/b", "/tmp/t")));
  EXPECT_FALSE(RecordingSession::create(options_of(std::string(255, 'a'), "/tmp/t")));
  EXPECT_FALSE(RecordingSession::create(options_of("auto", "")));
  EXPECT_FALSE(RecordingSession::create(options_of("auto", "relative")));
  EXPECT_FALSE(RecordingSession::create(options_of("auto", std::string("/a\0b", 4))));
}

TEST(RecordingSession, Channels_AreUniqueByName) {
  auto session = RecordingSession::create(options_of("auto", "/tmp/t")).value();
  EXPECT_TRUE(session.add_channel(Channel::create({.name = "a"}).value()));
  EXPECT_EQ(session.add_channel(Channel::create({.name = "a"}).value()).error().code,
            Code::kAlreadyExists);
  for (int i = 0; i < 63; ++i) {
    ASSERT_TRUE(session.add_channel(Channel::create({.name = std::to_string(i)}).value()));
  }
  EXPECT_EQ(session.add_channel(Channel::create({.name = "b"}).value()).error().code, Code::kLimit);
}

TEST(RecordingSession, ProcessSet_EmptyIsEveryone) {
  ProcessSet set;
  EXPECT_TRUE(set.is_everyone());
  set.root_pid = 5;
  EXPECT_FALSE(set.is_everyone());
}

TEST(TraceFormat, Names_RoundTrip) {
  for (const char* name : {"ctf-1.8", "ctf-2"}) {
    EXPECT_EQ(trace_format_name(parse_trace_format(name).value()), name);
  }
  EXPECT_FALSE(parse_trace_format("ctf"));
}

}  // namespace
}  // namespace sillage::session
