// SPDX-License-Identifier: MIT
#include "lttng/why_empty.hpp"

#include <gtest/gtest.h>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

v1::RecordingRule* add_rule(v1::WhyEmptyResponse* answer, const char* name) {
  v1::Session* session = answer->mutable_session();
  if (session->domains().empty()) session->add_domains()->add_channels()->set_is_enabled(true);
  v1::SessionRule* entry = session->mutable_domains(0)->mutable_channels(0)->add_rules();
  entry->set_is_enabled(true);
  entry->mutable_rule()->set_name(name);
  return entry->mutable_rule();
}

void add_event(v1::WhyEmptyResponse* answer, const char* name, std::uint32_t level) {
  v1::SeenEvent* event = answer->add_events();
  event->set_name(name);
  event->set_log_level(level);
  event->set_programs(2);
}

void expect_says(const v1::WhyEmptyResponse& answer, const std::string& what) {
  const std::string text = why_empty_text(answer);
  EXPECT_NE(text.find(what), std::string::npos) << what << "\nis not in\n" << text;
}

TEST(WhyEmpty, EachRule_SaysWhatItMet) {
  v1::WhyEmptyResponse answer;
  answer.mutable_session()->set_state(v1::Session::STARTED);
  answer.mutable_coverage()->set_programs(2);
  add_event(&answer, "tour:step", 6);
  add_event(&answer, "tour:detail", 14);
  add_rule(&answer, "tour:stpe");
  add_rule(&answer, "other:*");
  v1::RecordingRule* severe = add_rule(&answer, "tour:d*");
  severe->set_level_kind(v1::EventRule::AT_LEAST_AS_SEVERE);
  severe->set_level(6);
  v1::RecordingRule* but = add_rule(&answer, "tour:*");
  but->add_exclusions("*:detail");
  but->set_filter("x == 1");
  v1::FilterProblem* problem = answer.mutable_coverage()->add_filter_problems();
  problem->set_filter("x == 1");
  problem->set_event("tour:step");
  problem->set_program("late");
  problem->set_reason("it has no field x");
  expect_says(answer,
              "tour:stpe\n      matches no event that programs registered; did you mean "
              "tour:step?");
  expect_says(answer, "other:*\n      matches no event that programs registered\n");
  expect_says(answer, "not of its log level: tour:detail");
  expect_says(answer,
              "matches 1 event of up to 2 programs: tour:step\n      excluded: tour:detail");
  expect_says(answer, "its filter cannot match tour:step of late: it has no field x");
}

TEST(WhyEmpty, Totals_NameCauses) {
  v1::WhyEmptyResponse answer;
  add_rule(&answer, "*");
  answer.mutable_stats()->set_events(5);
  answer.mutable_stats()->set_pending(2);
  answer.mutable_stats()->set_rejected(9);
  answer.mutable_stats()->mutable_lost()->set_full(3);
  answer.mutable_coverage()->set_other_programs(1);
  answer.set_left_out_count(1);
  answer.add_left_out("foo: why not");
  expect_says(answer, "7 events recorded, 3 lost, 9 that filters did not want\n    3  no room in");
  expect_says(answer, "no program that it is about registered while it was started");
  expect_says(answer, "1 program left out by track and untrack");
  answer.mutable_session()->mutable_domains(0)->add_inclusion_sets();
  expect_says(answer, "no process is tracked, so that no event of programs is recorded");
  expect_says(answer, "1 kernel event cannot be recorded here:\n    foo: why not");
}

TEST(WhyEmpty, KernelRules_SayWhatTheyRecord) {
  v1::WhyEmptyResponse answer;
  for (const char* name : {"sched_*", "nothing_*", "old_*"}) add_rule(&answer, name);
  v1::SessionDomain* domain = answer.mutable_session()->mutable_domains(0);
  domain->set_domain(v1::KERNEL);
  domain->mutable_channels(0)->mutable_options()->set_name("c");
  v1::KernelRuleReport* report = answer.add_kernel_rules();
  report->set_channel("c");
  report->set_event_count(23);
  report->add_events("sched_switch");
  report->add_events("sched_waking");
  report->set_missed(3);
  report = answer.add_kernel_rules();
  report->set_channel("c");
  report->set_rule(1);
  expect_says(
      answer,
      "sched_*\n      records 23 events of this kernel: sched_switch, sched_waking, and 21\n"
      "      missed 3, while");
  expect_says(answer, "nothing_*\n      matches no event of this kernel that can be recorded");
  expect_says(answer, "    old_*\n");
}

TEST(WhyEmpty, Counts_SayWhereEventsWent) {
  v1::WhyEmptyResponse answer;
  add_rule(&answer, "openat")->set_filter("flags == 1");
  add_rule(&answer, "sched_*");
  add_rule(&answer, "read");
  add_rule(&answer, "close")->set_filter("fd == 1");
  v1::SessionDomain* domain = answer.mutable_session()->mutable_domains(0);
  domain->set_domain(v1::KERNEL);
  expect_says(answer, "`sillage why-empty --watch` counts");
  answer.set_watched_ns(2'960'000'000);
  for (std::uint32_t rule = 0; rule < 4; ++rule) {
    v1::RuleCount* count = answer.add_counts();
    count->set_domain(v1::KERNEL);
    count->set_rule(rule);
    count->set_watched_events(rule == 3 ? 0 : 7);
  }
  v1::RuleCount* count = answer.mutable_counts(0);
  count->set_happened(20);
  count->set_untracked(5);
  count->set_wanted(1);
  count->set_event_count(1);
  v1::EventCount* event = count->add_events();
  event->set_name("openat");
  count = answer.mutable_counts(1);
  count->set_happened(1);
  count->set_wanted(1);
  count->set_event_count(6);
  event = count->add_events();
  event->set_name("sched_switch");
  event->set_happened(3);
  event->set_wanted(2);
  expect_says(
      answer,
      "in 3.0 s: happened 20 times, 1 as wanted, 14 not as its filter wants, 5 in processes "
      "that are not tracked\n    sched_*\n");
  expect_says(
      answer,
      "in 3.0 s: happened 1 time\n        sched_switch 3 times (2 wanted), and 5\n    read\n"
      "      in 3.0 s: did not happen\n");
  expect_says(answer, "fd == 1\n      none of its events can be counted here\n");
  EXPECT_EQ(why_empty_text(answer).find("--watch"), std::string::npos);
}

TEST(WhyEmpty, NeverStarted_IsJudgedByWhatRuns) {
  v1::WhyEmptyResponse answer;
  add_rule(&answer, "tour:step");
  v1::ListResponse programs;
  for (int i = 0; i < 3; ++i) programs.add_programs()->add_events()->set_name("tour:step");
  add_present_programs(programs, &answer);
  expect_says(answer, "was never started");
  expect_says(answer, "3 programs with 1 different event");
  expect_says(answer, "matches 1 event of up to 3 programs: tour:step");
}

}  // namespace
}  // namespace sillage::lttng
