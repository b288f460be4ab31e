// SPDX-License-Identifier: MIT
// Everything that <sillage/control.hpp> can do, with a real daemon, in which this program has its own tracepoint.
// Run by cpp_test.py, which reads the traces.
#include <sillage/control.hpp>
#include <sillage/tracepoint.h>

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace sillage::control {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string place(const std::string& name) {
  return std::string(std::getenv("TRACES")) + "/" + name;
}

void emit(int count) {
  for (int i = 0; i < count; ++i) SILLAGE_TRACEPOINT(client, step, INFO, sillage_field(number, i));
}

/// For cpp_test.py: so many events are in the trace of that name.
void expect(const std::string& name, int events) {
  std::ofstream(place(name + ".expected")) << events;
}

template <class T>
T value(Result<T> result) {
  if (!result) ADD_FAILURE() << result.error().message;
  return std::move(result).value_or_throw();
}

class ControlClient : public testing::Test {
 protected:
  Client client_ = value(Client::connect());

  void TearDown() override {
    for (const Session& session : value(client_.sessions())) value(client_.destroy(session.name));
  }
  void make(const std::string& name, Mode mode = Mode::kLocal) {
    value(client_.create({.name = name, .mode = mode, .output_path = place(name)}));
  }
};

TEST_F(ControlClient, SessionIsSteered_RecordsWhatIsOnAndNothingElse) {
  make("steered");
  EXPECT_TRUE(value(client_.enable_rule("steered", {.name = "client:*"})).is_new);
  emit(3);
  EXPECT_EQ(value(client_.start("steered")).count, 0u);
  emit(100);
  EXPECT_EQ(value(client_.disable_rules("steered", {.name = "client:*"})), 1u);
  emit(5);
  EXPECT_FALSE(value(client_.enable_rule("steered", {.name = "client:*"})).is_new);
  emit(20);
  const Stopped stopped = value(client_.stop("steered"));
  EXPECT_EQ(stopped.statistics.events, 120u);
  EXPECT_EQ(stopped.statistics.lost.total(), 0u);
  EXPECT_EQ(stopped.warning, "");
  emit(7);
  EXPECT_EQ(value(client_.remove_rules("steered", {.name = "client:*"})), 1u);
  const Destroyed destroyed = value(client_.destroy("steered"));
  EXPECT_EQ(destroyed.session.state, State::kStopped);
  EXPECT_EQ(destroyed.session.path, place("steered"));
  EXPECT_EQ(destroyed.statistics.events, 120u);
  expect("steered", 120);
}

TEST_F(ControlClient, AllOfASession_ComesBackAsItWasAsked) {
  make("whole");
  const ChannelOptions asked{.name = "all",
                             .overwrite = false,
                             .subbuf_bytes = 65536,
                             .subbuf_count = 8,
                             .switch_timer = 1s,
                             .read_timer = 2s,
                             .monitor_timer = 3s,
                             .watchdog_timer = 4s,
                             .blocking_timeout = kForEver,
                             .tracefile_bytes = 1 << 20,
                             .tracefile_count = 3,
                             .per_process = true,
                             .one_buffer = false,
                             .on_demand = true,
                             .reclaim_age = 7ms};
  EXPECT_EQ(value(client_.enable_channel("whole", Domain::kUser, asked)).options, asked);
  EXPECT_EQ(value(client_.reclaim_memory("whole", "all", 1s)), 0u);  // it was never started
  Rule rule{.name = "client:s*",
            .exclusions = {"client:st*x"},
            .levels = Rule::Levels::kAtLeastAsSevere,
            .level = 6,
            .filter = "number > 3"};
  value(client_.enable_rule("whole", rule, "all"));
  value(client_.add_context("whole", Domain::kUser, "vtid", "all"));
  value(client_.track("whole", Domain::kUser, Attribute::kVuid, {.name = "root"}));
  value(client_.track("whole", Domain::kUser, Attribute::kVpid, {.number = 17}));
  value(client_.untrack("whole", Domain::kUser, Attribute::kVpid, {.number = 17}));
  value(client_.schedule_rotation("whole", {.period = 1h, .bytes = 1 << 30}));
  value(client_.disable_channel("whole", Domain::kUser, "all"));

  const Session session = value(client_.session("whole"));
  EXPECT_EQ(session.name, "whole");
  EXPECT_EQ(session.mode, Mode::kLocal);
  EXPECT_EQ(session.state, State::kCreated);
  EXPECT_EQ(session.trace_format, "ctf-1.8");
  EXPECT_EQ(session.rotation, (RotationSchedule{1h, 1 << 30}));
  ASSERT_EQ(session.domains.size(), 1u);
  ASSERT_EQ(session.domains[0].channels.size(), 1u);
  const Channel& channel = session.domains[0].channels[0];
  EXPECT_EQ(channel.options, asked);
  EXPECT_FALSE(channel.is_enabled);
  EXPECT_EQ(channel.rules, std::vector{rule});
  EXPECT_EQ(channel.contexts, std::vector<std::string>{"vtid"});
  EXPECT_EQ(session.domains[0].inclusion_sets,
            (std::vector<InclusionSet>{{Attribute::kVpid, {}}, {Attribute::kVuid, {{0, "root"}}}}));
  EXPECT_EQ(value(client_.sessions()), std::vector{session});

  value(client_.track_all("whole", Domain::kUser, Attribute::kVpid));
  value(client_.untrack_all("whole", Domain::kUser, Attribute::kVuid));
  value(client_.cancel_rotation("whole", {.period = 0s}));
  const Session less = value(client_.session("whole"));
  EXPECT_EQ(less.rotation, (RotationSchedule{{}, 1 << 30}));
  EXPECT_EQ(less.domains[0].inclusion_sets, (std::vector<InclusionSet>{{Attribute::kVuid, {}}}));
}

TEST_F(ControlClient, SavedSession_IsLoadedAsItWas) {
  make("saved");
  value(client_.enable_channel("saved", Domain::kUser, {.name = "c", .subbuf_count = 16}));
  value(client_.enable_rule("saved", {.name = "client:step", .filter = "number % 2 == 0"}, "c"));
  value(client_.start("saved"));
  emit(10);
  const Session before = value(client_.session("saved"));
  value(client_.save("saved", place("saved.lttng")));
  EXPECT_EQ(value(client_.destroy("saved")).statistics.events, 5u);
  expect("saved", 5);
  fs::rename(place("saved"), place("first"));
  fs::rename(place("saved.expected"), place("first.expected"));

  const std::vector<Session> loaded = value(client_.load(place("saved.lttng")));
  EXPECT_EQ(loaded.size(), 1u);
  EXPECT_EQ(value(client_.session("saved")), before);
  emit(8);
  const auto again = client_.load(place("saved.lttng"));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Error::Kind::kAlreadyExists);
  EXPECT_EQ(value(client_.destroy("saved")).statistics.events, 4u);
  expect("saved", 4);
}

TEST_F(ControlClient, Snapshots_GoWhereTheyAreTold) {
  make("flight", Mode::kSnapshot);
  value(client_.enable_rule("flight", {.name = "client:step"}));
  value(client_.start("flight"));
  emit(9);
  const SnapshotOutput added =
      value(client_.add_snapshot_output("flight", {.name = "more", .path = place("more")}));
  EXPECT_NE(added.id, 0u);
  EXPECT_EQ(value(client_.session("flight")).snapshot_outputs.size(), 2u);
  const Snapshot both = value(client_.record_snapshot("flight"));
  EXPECT_EQ(both.paths.size(), 2u);
  EXPECT_EQ(both.events, 18u);
  EXPECT_EQ(value(client_.remove_snapshot_output("flight", "more")), added);
  const Snapshot one = value(client_.record_snapshot("flight", {.path = place("alone")}));
  EXPECT_EQ(one.events, 9u);
  expect("alone", 9);
}

TEST_F(ControlClient, RotatedAndClearedTrace_HasWhatIsLeft) {
  make("chunks");
  value(client_.enable_rule("chunks", {.name = "client:step"}));
  value(client_.start("chunks"));
  emit(4);
  const std::string archive = value(client_.rotate("chunks"));
  EXPECT_TRUE(fs::is_directory(archive)) << archive;
  emit(5);
  value(client_.clear("chunks"));
  emit(6);
  value(client_.regenerate_metadata("chunks"));
  const std::string last = value(client_.destroy("chunks")).archive;
  EXPECT_TRUE(fs::is_directory(last)) << last;
  fs::rename(last, place("last"));
  expect("last", 6);
}

TEST_F(ControlClient, EmptyTrace_SaysWhy) {
  value(client_.create({.name = "empty", .mode = Mode::kNoOutput}));
  value(client_.enable_rule("empty", {.name = "client:stop"}));
  value(client_.start("empty"));
  emit(1);
  const Findings findings = value(client_.why_empty("empty"));
  EXPECT_EQ(findings.programs, 1u);
  EXPECT_EQ(findings.events_matched, 0u);
  ASSERT_EQ(findings.unmatched.size(), 1u);
  EXPECT_EQ(findings.unmatched[0].pattern, "client:stop");
  EXPECT_EQ(findings.unmatched[0].nearest, std::vector<std::string>{"client:step"});
  EXPECT_FALSE(findings.watched);
  EXPECT_EQ(value(client_.session("empty")).owner_uid, geteuid());
}

TEST_F(ControlClient, WatchedRules_SayHowManyOfWhatHappened) {
  value(client_.create({.name = "watched", .mode = Mode::kNoOutput}));
  value(client_.enable_rule("watched", {.name = "client:step", .filter = "number < 3"}));
  std::atomic<std::uint64_t> sent = 0;
  std::jthread program([&](const std::stop_token& stop) {
    for (; !stop.stop_requested(); sent += 10) {
      emit(10);
      std::this_thread::sleep_for(1ms);
    }
  });
  // It is watched for longer than a request may take that is answered at once.
  client_.change_deadline(5s);
  const Findings findings = value(client_.why_empty("watched", 5500ms));
  client_.change_deadline(600s);
  program = {};
  ASSERT_TRUE(findings.watched);
  EXPECT_GE(*findings.watched, 5500ms);
  ASSERT_EQ(findings.counts.size(), 1u);
  const RuleCount& count = findings.counts[0];
  EXPECT_EQ(count.domain, Domain::kUser);
  EXPECT_EQ(count.channel, "channel0");
  EXPECT_GT(count.happened, 0u);
  EXPECT_LE(count.happened, sent);
  EXPECT_GT(count.wanted, 0u);
  EXPECT_LT(count.wanted, count.happened);
  for (const auto wrong : {-1ms, 300'001ms, std::chrono::milliseconds::max()}) {
    const auto refused = client_.why_empty("watched", wrong);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, Error::Kind::kInvalidArgument);
  }
}

TEST_F(ControlClient, ProgramsAreListed_WithTheirEvents) {
  const std::vector<Program> programs = value(client_.programs(true));
  ASSERT_EQ(programs.size(), 1u);
  EXPECT_EQ(programs[0].pid, getpid());
  // Beside those of the state dump, which every program has.
  const auto step = std::find_if(programs[0].events.begin(), programs[0].events.end(),
                                 [](const auto& event) { return event.name == "client:step"; });
  ASSERT_NE(step, programs[0].events.end());
  EXPECT_EQ(step->level, 6u);
  ASSERT_EQ(step->fields.size(), 1u);
  EXPECT_EQ(step->fields[0].name, "number");
  const DaemonInfo daemon = value(client_.daemon());
  EXPECT_EQ(daemon.programs, 1u);
  EXPECT_FALSE(daemon.version.empty());
}

TEST_F(ControlClient, Refusals_AreTheDaemonsSentences) {
  make("right");
  const auto other = client_.start("wright");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().kind, Error::Kind::kNotFound);
  EXPECT_EQ(other.error().message, "Session name not found; did you mean right?");
  const auto again = client_.create({.name = "right", .output_path = place("right")});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Error::Kind::kAlreadyExists);
  const auto filter = client_.enable_rule("right", {.name = "client:step", .filter = "number >"});
  ASSERT_FALSE(filter);
  EXPECT_EQ(filter.error().kind, Error::Kind::kInvalidArgument);
  const auto nobody =
      client_.track("right", Domain::kUser, Attribute::kVuid, {.name = "no such user"});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().kind, Error::Kind::kInvalidArgument);
  const auto negative =
      client_.enable_channel("right", Domain::kUser, {.name = "c", .switch_timer = -1ns});
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().kind, Error::Kind::kInvalidArgument);
  EXPECT_TRUE(value(client_.session("right")).domains.empty())
      << "a request that fails changes nothing";
  EXPECT_FALSE(client_.session(""));
}

// The last ones: they do to the daemon what others would not survive.
TEST_F(ControlClient, ZStoppedDaemon_EndsTheWaitAtTheDeadline) {
  const auto daemon = static_cast<pid_t>(value(client_.daemon()).pid);
  client_.change_deadline(200ms);
  ASSERT_EQ(kill(daemon, SIGSTOP), 0);
  const auto begin = std::chrono::steady_clock::now();
  const auto late = client_.sessions();
  const auto waited = std::chrono::steady_clock::now() - begin;
  kill(daemon, SIGCONT);
  client_.change_deadline(10s);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Error::Kind::kTimeout);
  EXPECT_GE(waited, 200ms);
  EXPECT_LT(waited, 5s);
  // Not the late answer of the request before.
  EXPECT_EQ(value(client_.daemon()).pid, static_cast<std::uint32_t>(daemon));
}

TEST_F(ControlClient, ZDaemonGoneAway_IsSaidOnceThenAnotherServes) {
  const auto daemon = static_cast<pid_t>(value(client_.daemon()).pid);
  ASSERT_EQ(kill(daemon, SIGTERM), 0);
  while (kill(daemon, 0) == 0) std::this_thread::sleep_for(10ms);
  const auto gone = client_.sessions();
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().kind, Error::Kind::kSystem);
  EXPECT_NE(value(client_.daemon()).pid, static_cast<std::uint32_t>(daemon));
}

}  // namespace
}  // namespace sillage::control
