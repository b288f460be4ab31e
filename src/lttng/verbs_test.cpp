// SPDX-License-Identifier: MIT
#include "lttng/verbs.hpp"

#include "lttng/describe.hpp"

#include <gtest/gtest.h>

#include <filesystem>

namespace sillage::lttng {
namespace {

/// A context without a daemon: whoever asks it is told so.
Context lonely() {
  Context context;
  context.connect = []() -> Result<control::ControlClient> {
    return fail(Code::kNotFound, "nobody");
  };
  context.home = "/nonexistent";
  context.release = "1.2.3";
  return context;
}

TEST(Verbs, ExitStatuses_AreLttngs) {
  const std::pair<std::vector<std::string>, int> cases[] = {
      {{}, kExitError},
      {{"--help"}, kExitOk},
      {{"help", "create"}, kExitOk},
      {{"help", "foo"}, kExitError},
      {{"foo"}, kExitUndefined},
      {{"create", "--foo"}, kExitUndefined},
      {{"create"}, kExitError},
      {{"create", "--set-url=file://relative"}, kExitError},
      {{"create", "--set-url=net://host"}, kExitError},
      {{"create", "--ctrl-url=net://host"}, kExitError},
      {{"enable-event", "foo"}, kExitError},
      {{"enable-event", "-u"}, kExitError},
      {{"enable-event", "-u", "-k", "foo"}, kExitError},
      {{"enable-event", "-j", "foo"}, kExitError},
      {{"enable-channel", "-u"}, kExitError},
      {{"enable-channel", "-u", "--subbuf-size=1x", "c"}, kExitError},
      {{"enable-channel", "-u", "--tracefile-count=3", "c"}, kExitError},
      {{"add-context", "-u", "-t", "nope"}, kExitFatal},
      {{"add-context", "--list"}, kExitOk},
      {{"track", "-u"}, kExitError},
      {{"status"}, kExitError},
      {{"version"}, kExitOk},
      {{"--mi=json", "version"}, kExitNoMiType},
      {{"-m", "xml", "version"}, kExitOk},
  };
  for (const auto& [words, status] : cases) {
    Context context = lonely();
    EXPECT_EQ(run(context, words), status) << testing::PrintToString(words) << context.err;
    EXPECT_EQ(context.err.empty(), status == kExitOk) << testing::PrintToString(words);
  }
}

TEST(Verbs, Unknown_IsSuggested) {
  Context context = lonely();
  EXPECT_EQ(run(context, {"enable-evnt"}), kExitUndefined);
  EXPECT_NE(context.err.find("Did you mean enable-event?"), std::string::npos) << context.err;
}

TEST(Verbs, CurrentSession_IsKept) {
  const std::string home = testing::TempDir() + "lttngrc_test";
  std::filesystem::create_directories(home);
  EXPECT_FALSE(current_session(home));
  ASSERT_TRUE(set_current_session(home, "a b"));
  EXPECT_EQ(current_session(home).value_or(""), "a b");
  forget_current_session(home, "other");
  EXPECT_TRUE(current_session(home));
  forget_current_session(home, "a b");
  EXPECT_FALSE(current_session(home));
  EXPECT_FALSE(set_current_session("/nonexistent", "a"));
  std::filesystem::remove_all(home);
}

TEST(Describe, Session_IsShownAsLttngShowsIt) {
  control::v1::Session session;
  session.set_name("s");
  session.set_path("/t/s");
  session.set_state(control::v1::Session::STARTED);
  auto* channel = session.add_domains()->add_channels();
  channel->set_is_enabled(true);
  channel->mutable_options()->set_name("channel0");
  channel->mutable_options()->set_subbuf_bytes(524288);
  channel->mutable_options()->set_subbuf_count(4);
  channel->set_discarded_events(5);
  auto* entry = channel->add_rules();
  entry->mutable_rule()->set_name("a:*");
  entry->mutable_rule()->set_level_kind(control::v1::EventRule::AT_LEAST_AS_SEVERE);
  entry->mutable_rule()->set_level(6);
  const std::string text = session_text(session, {});
  for (const char* line :
       {"Recording session s: [active]\n    Trace output: /t/s\n", "=== Domain: User space ===\n",
        "Buffering scheme: per-user\n", "  Virtual process IDs:  all\n", "- channel0: [enabled]\n",
        "      Event-loss mode:  discard\n", "      Sub-buffer size:  524288 bytes\n",
        "      Discarded events: 5\n",
        "      a:* (loglevel <= TRACE_INFO (6)) (type: tracepoint) [disabled]\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nin\n" << text;
}

}  // namespace
}  // namespace sillage::lttng
