// SPDX-License-Identifier: MIT
#include "session/session.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <tuple>

namespace sillage::session {
namespace {

using Kind = RecordingRule::Kind;
using State = Session::State;

Session make_session(OutputMode mode = OutputMode::kLocal) {
  return *Session::create(
      {.name = "s", .mode = mode, .output_path = mode == OutputMode::kNone ? "" : "/tmp/s"});
}

RecordingRule rule(std::string name, Kind kind = Kind::kUserTracepoint) {
  return {.kind = kind, .name = std::move(name)};
}

TEST(Session, StartAndStop_AsOftenAsWanted) {
  Session session = make_session();
  EXPECT_FALSE(session.start()) << "nothing to record";
  EXPECT_FALSE(session.stop());
  EXPECT_EQ(session.state(), State::kCreated);
  ASSERT_TRUE(session.enable_rule({}, rule("a:b")));
  for (int round = 0; round < 3; ++round) {
    EXPECT_TRUE(session.start());
    EXPECT_EQ(session.start().error().code, Code::kAlreadyExists);
    EXPECT_EQ(session.state(), State::kStarted);
    EXPECT_TRUE(session.stop());
    EXPECT_FALSE(session.stop());
    EXPECT_EQ(session.state(), State::kStopped);
  }
}

TEST(Session, FirstRule_MakesItsChannel) {
  Session session = make_session();
  EXPECT_EQ(*session.enable_rule({}, rule("a:b")), Enabled::kCreated);
  EXPECT_EQ(*session.enable_rule({}, rule("sched_switch", Kind::kKernelTracepoint)),
            Enabled::kCreated);
  EXPECT_EQ(*session.enable_rule("mine", rule("a:b")), Enabled::kCreated);
  EXPECT_NE(session.find_channel(Domain::kUser, "channel0"), nullptr);
  EXPECT_NE(session.find_channel(Domain::kKernel, "channel0"), nullptr);
  EXPECT_NE(session.find_channel(Domain::kUser, "mine"), nullptr);
  EXPECT_EQ(session.find_channel(Domain::kKernel, "mine"), nullptr);
}

TEST(Session, OtherChannelsThere_NameIsNeeded) {
  Session session = make_session();
  ASSERT_TRUE(session.enable_channel(Domain::kUser, {.name = "mine"}));
  const Session before = session;
  EXPECT_FALSE(session.enable_rule({}, rule("a:b")));
  EXPECT_FALSE(session.disable_rules(Domain::kUser, {}, {}));
  EXPECT_EQ(session, before);
}

TEST(Session, SameRule_IsOneRule) {
  Session session = make_session();
  RecordingRule plain = rule("a:*"), filtered = plain, excluding = plain, level = plain;
  filtered.filter = "x > 1";
  excluding.exclusions = {"a:b"};
  level.level = {LogLevelRule::Kind::kOnly, 3};
  for (const RecordingRule& each : {plain, filtered, excluding, level}) {
    EXPECT_EQ(*session.enable_rule({}, each), Enabled::kCreated);
    EXPECT_EQ(session.enable_rule({}, each).error().code, Code::kAlreadyExists);
  }
  // By name, all four.
  EXPECT_EQ(*session.disable_rules(Domain::kUser, {}, {.name = "a:*"}), 4u);
  EXPECT_EQ(session.disable_rules(Domain::kUser, {}, {.name = "a:*"}).error().code,
            Code::kAlreadyExists);
  EXPECT_EQ(*session.enable_rule({}, filtered), Enabled::kAgain);
  EXPECT_EQ(*session.remove_rules(Domain::kUser, {}, {.name = "a:*"}), 4u);
  EXPECT_EQ(session.remove_rules(Domain::kUser, {}, {.name = "a:*"}).error().code, Code::kNotFound);
}

TEST(Session, Unknown_IsSuggested) {
  Session session = make_session();
  ASSERT_TRUE(session.enable_rule({}, rule("kitchen:order")));
  EXPECT_EQ(session.disable_rules(Domain::kUser, {}, {.name = "kitchen:oder"}).error().message,
            "UST event not found; did you mean kitchen:order?");
  EXPECT_EQ(session.disable_channel(Domain::kUser, "chanel0").error().message,
            "UST channel not found: \"chanel0\"; did you mean channel0?");
}

TEST(Session, Kinds_AreSelectedApart) {
  Session session = make_session();
  ASSERT_TRUE(session.enable_rule({}, rule("open*", Kind::kSyscall)));
  ASSERT_TRUE(session.enable_rule({}, rule("open*", Kind::kKernelTracepoint)));
  EXPECT_EQ(*session.disable_rules(Domain::kKernel, {}, {.name = "open*", .kind = Kind::kSyscall}),
            1u);
  const auto& rules = session.find_channel(Domain::kKernel, "channel0")->rules;
  EXPECT_FALSE(rules[0].is_enabled);
  EXPECT_TRUE(rules[1].is_enabled);
}

TEST(Session, RulesThatCannotBe_ChangeNothing) {
  const RecordingRule wrong[] = {
      rule(""),
      rule(std::string(1025, 'x')),
      {.name = "a:b", .exclusions = {"a:c"}},
      {.name = "a:*", .exclusions = {""}},
      {.name = "a:*", .filter = std::string(65537, 'x')},
      {.name = "a:*", .place = "here"},
      {.name = "a:*", .level = {LogLevelRule::Kind::kOnly, 15}},
      {.kind = Kind::kProbe, .name = "p"},
      {.kind = Kind::kProbe, .name = "p*", .place = "do_exit"},
      {.kind = Kind::kSyscall, .name = "open", .level = {LogLevelRule::Kind::kOnly, 3}},
  };
  for (const RecordingRule& each : wrong) {
    Session session = make_session();
    const auto done = session.enable_rule({}, each);
    ASSERT_FALSE(done) << each.name;
    EXPECT_EQ(done.error().code, Code::kInvalidArgument);
    EXPECT_EQ(session, make_session());
  }
}

TEST(Session, Contexts_GoToOneChannelOrAll) {
  Session session = make_session();
  ASSERT_TRUE(session.add_context(Domain::kUser, {}, "vpid"));
  ASSERT_TRUE(session.enable_channel(Domain::kUser, {.name = "mine"}));
  EXPECT_EQ(session.find_channel(Domain::kUser, "channel0")->contexts,
            std::vector<std::string>{"vpid"});
  // Who has it already keeps it; an error only if nobody changes.
  EXPECT_TRUE(session.add_context(Domain::kUser, {}, "vpid"));
  EXPECT_EQ(session.add_context(Domain::kUser, {}, "vpid").error().code, Code::kAlreadyExists);
  EXPECT_EQ(session.add_context(Domain::kUser, "mine", "vpid").error().code, Code::kAlreadyExists);
  EXPECT_EQ(session.add_context(Domain::kUser, "other", "vpid").error().code, Code::kNotFound);
  for (int i = 1; i < 32; ++i)
    ASSERT_TRUE(session.add_context(Domain::kUser, "mine", "c" + std::to_string(i)));
  const Session before = session;
  EXPECT_EQ(session.add_context(Domain::kUser, {}, "one more").error().code, Code::kLimit);
  EXPECT_EQ(session, before);
}

TEST(Session, InclusionSets_FollowLttngs) {
  Session session = make_session();
  EXPECT_FALSE(session.inclusion_set(Domain::kUser, ProcessAttribute::kPid));
  InclusionSet& set = **session.inclusion_set(Domain::kUser, ProcessAttribute::kVpid);
  EXPECT_TRUE(set.has(7));
  EXPECT_EQ(set.remove(7).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(set.add(7, ""));
  EXPECT_FALSE(set.has(8)) << "only what is listed";
  EXPECT_EQ(set.add(7, "").error().code, Code::kAlreadyExists);
  EXPECT_EQ(set.remove(8).error().code, Code::kNotFound);
  EXPECT_TRUE(set.remove(7));
  EXPECT_EQ(set.policy(), InclusionSet::Policy::kNone);
  EXPECT_TRUE(set.add(9, "root"));
  set.remove_all();
  EXPECT_FALSE(set.has(9));
  set.add_all();
  EXPECT_TRUE(set.has(9));
}

// What a session is to do, written down the plainest way.
class Reference {
 public:
  State state = State::kCreated;
  std::map<std::string, bool> channels;
  std::map<std::tuple<std::string, std::string, std::string>, bool> rules;  // channel, name, filter
  std::set<std::pair<std::string, std::string>> contexts;

  bool start() {
    return can(state != State::kStarted && !channels.empty(), [&] { state = State::kStarted; });
  }
  bool stop() {
    return can(state == State::kStarted, [&] { state = State::kStopped; });
  }
  bool enable_channel(const std::string& name) {
    return can(!is_on(channels, name), [&] { channels[name] = true; });
  }
  bool disable_channel(const std::string& name) {
    return can(is_on(channels, name), [&] { channels[name] = false; });
  }
  bool enable_rule(std::string channel, const std::string& name, const std::string& filter) {
    const bool is_named = !channel.empty();
    if (!is_named) channel = "channel0";
    if (!is_named && !channels.empty() && !channels.contains(channel)) return false;
    if (is_on(rules, {channel, name, filter})) return false;
    channels.emplace(channel, true);
    rules[{channel, name, filter}] = true;
    return true;
  }
  bool disable_rules(const std::string& channel, const std::string& name) {
    bool changes = false;
    for (auto& [key, enabled] : rules) {
      if (std::get<0>(key) != channel || (!name.empty() && std::get<1>(key) != name)) continue;
      changes |= std::exchange(enabled, false);
    }
    return changes;
  }
  bool remove_rules(const std::string& channel, const std::string& name) {
    return std::erase_if(rules, [&](const auto& entry) {
             return std::get<0>(entry.first) == channel &&
                    (name.empty() || std::get<1>(entry.first) == name);
           }) != 0;
  }
  bool add_context(const std::string& channel, const std::string& context) {
    return can(channels.contains(channel) && !contexts.contains({channel, context}), [&] {
      contexts.insert({channel, context});
    });
  }

 private:
  template <class Map>
  static bool is_on(const Map& map, const typename Map::key_type& key) {
    const auto found = map.find(key);
    return found != map.end() && found->second;
  }
  template <class Change>
  static bool can(bool allowed, Change change) {
    if (allowed) change();
    return allowed;
  }
};

void expect_same(const Session& session, const Reference& reference) {
  ASSERT_EQ(session.state(), reference.state);
  std::map<std::string, bool> channels;
  decltype(reference.rules) rules;
  decltype(reference.contexts) contexts;
  for (const SessionChannel& channel : session.channels(Domain::kUser)) {
    const std::string& name = channel.settings.name;
    channels[name] = channel.is_enabled;
    for (const auto& each : channel.rules)
      rules[{name, each.rule.name, each.rule.filter}] = each.is_enabled;
    for (const std::string& context : channel.contexts) contexts.insert({name, context});
  }
  ASSERT_EQ(channels, reference.channels);
  ASSERT_EQ(rules, reference.rules);
  ASSERT_EQ(contexts, reference.contexts);
}

TEST(Session, RandomWalk_IsWhatThePlainModelSays) {
  const std::string channels[] = {"", "channel0", "a", "b"}, names[] = {"p:*", "p:x", "q:y"},
                    filters[] = {"", "v > 1"}, contexts[] = {"vpid", "vtid"};
  std::mt19937 random(20261121);
  const auto pick = [&](const auto& from) { return from[random() % std::size(from)]; };
  for (int walk = 0; walk < 300; ++walk) {
    Session session = make_session();
    Reference reference;
    for (int step = 0; step < 60; ++step) {
      const std::string channel = pick(channels), name = pick(names), filter = pick(filters);
      const std::string known = channel.empty() ? "channel0" : channel;
      const Session before = session;
      bool done = false, expected = false;
      switch (random() % 8) {
        case 0: done = session.start().has_value(), expected = reference.start(); break;
        case 1: done = session.stop().has_value(), expected = reference.stop(); break;
        case 2:
          done = session.enable_channel(Domain::kUser, {.name = known}).has_value();
          expected = reference.enable_channel(known);
          break;
        case 3:
          done = session.disable_channel(Domain::kUser, known).has_value();
          expected = reference.disable_channel(known);
          break;
        case 4: {
          RecordingRule wanted = rule(name);
          wanted.filter = filter;
          const auto where = channel.empty() ? std::nullopt : std::optional(channel);
          done = session.enable_rule(where, wanted).has_value();
          expected = reference.enable_rule(channel, name, filter);
          break;
        }
        case 5: {
          const RuleSelection which{.name = random() % 4 == 0 ? std::nullopt : std::optional(name)};
          done = session.disable_rules(Domain::kUser, known, which).has_value();
          expected = reference.disable_rules(known, which.name.value_or(""));
          break;
        }
        case 6:
          done = session.remove_rules(Domain::kUser, known, {.name = name}).has_value();
          expected = reference.remove_rules(known, name);
          break;
        case 7: {
          const std::string context = pick(contexts);
          done = session.add_context(Domain::kUser, known, context).has_value();
          expected = reference.add_context(known, context);
          break;
        }
      }
      ASSERT_EQ(done, expected) << "walk " << walk << " step " << step;
      ASSERT_TRUE(done || session == before) << "a failure changed something";
      expect_same(session, reference);
      if (HasFatalFailure()) return;
    }
  }
}

}  // namespace
}  // namespace sillage::session
