// SPDX-License-Identifier: MIT
#include "sillage/record_options.hpp"

#include "abi/app_protocol.h"

#include <gtest/gtest.h>

#include <limits.h>
#include <stdlib.h>

namespace sillage::command {
namespace {

RecordOptions with_output() {
  RecordOptions options;
  options.output = "/tmp/trace/";
  return options;
}

TEST(RecordOptions, Defaults_AreEveryEventOfEveryProgram) {
  auto plan = plan_recording(with_output());
  ASSERT_TRUE(plan) << plan.error().text();
  EXPECT_EQ(plan->request.output_path(), "/tmp/trace");
  EXPECT_EQ(plan->request.name(), "all");
  EXPECT_EQ(plan->request.mark(), "");
  ASSERT_EQ(plan->request.channels_size(), 1);
  const auto& channel = plan->request.channels(0);
  EXPECT_EQ(channel.name(), "channel0");
  EXPECT_EQ(channel.subbuf_bytes(), 0u);
  ASSERT_EQ(channel.rules_size(), 1);
  EXPECT_EQ(channel.rules(0).pattern(), "*");
  EXPECT_EQ(channel.rules(0).level_kind(), control::v1::EventRule::ANY);
  EXPECT_FALSE(plan->duration_ns);
  EXPECT_FALSE(plan->allows_blocking);
}

TEST(RecordOptions, Program_IsMarked) {
  RecordOptions options = with_output();
  options.program = {"/usr/bin/some-program", "-x"};
  auto first = plan_recording(options), second = plan_recording(options);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->request.name(), "some-program");
  EXPECT_EQ(first->request.mark(), first->mark_name + "=" + first->mark_value);
  EXPECT_NE(first->mark_value, second->mark_value);
  options.pids = {1};
  EXPECT_EQ(plan_recording(options).error().code, Code::kInvalidArgument);
}

TEST(RecordOptions, Processes_MustBeThere) {
  RecordOptions options = with_output();
  options.pids = {1};
  EXPECT_EQ(plan_recording(options).value().request.pids(0), 1);
  for (int pid : {0, -1, INT_MAX}) {
    options.pids = {1, pid};
    EXPECT_EQ(plan_recording(options).error().code, Code::kNotFound) << pid;
  }
}

TEST(RecordOptions, Rules_ExclusionsGoWithPatternsOnly) {
  RecordOptions options = with_output();
  options.events = {"app:*", "lib:one", "app:*"};
  options.exclusions = {"app:noisy"};
  options.level = "warning";
  auto plan = plan_recording(options);
  ASSERT_TRUE(plan) << plan.error().text();
  const auto& rules = plan->request.channels(0).rules();
  ASSERT_EQ(rules.size(), 2);  // the same pattern twice is one rule
  EXPECT_EQ(rules[0].exclusions_size(), 1);
  EXPECT_EQ(rules[1].pattern(), "lib:one");
  EXPECT_EQ(rules[1].exclusions_size(), 0);
  EXPECT_EQ(rules[1].level(), 4u);
  EXPECT_EQ(rules[1].level_kind(), control::v1::EventRule::AT_LEAST_AS_SEVERE);
  options.level_only = "info";
  EXPECT_FALSE(plan_recording(options));
}

TEST(RecordOptions, Filter_GoesWithWhatIsNamed) {
  RecordOptions options = with_output();
  options.filter = "a == 1";
  auto plan = plan_recording(options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->request.channels(0).rules(0).filter(), "a == 1");
  // Events of programs that nobody named are recorded beside the kernel's: the filter is not meant for those.
  options.kernel = true;
  plan = plan_recording(options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->request.channels(0).rules(0).filter(), "");
  EXPECT_EQ(plan->request.kernel_channels(0).rules(0).filter(), "a == 1");
  options.events = {"sched_switch", "app:*"};
  plan = plan_recording(options);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->request.channels(0).rules(0).filter(), "a == 1");
}

TEST(RecordOptions, Channel_AllOptions) {
  RecordOptions options = with_output();
  options.subbuf_size = "1M";
  options.subbuf_count = 8;
  options.blocking_timeout = "20";
  options.buffers = "process";
  options.contexts = {"vtid", "procname", "vtid"};
  options.trace_format = "ctf-2";
  options.duration = "2s";
  auto plan = plan_recording(options);
  ASSERT_TRUE(plan) << plan.error().text();
  const auto& channel = plan->request.channels(0);
  EXPECT_EQ(channel.subbuf_bytes(), 1u << 20);
  EXPECT_EQ(channel.subbuf_count(), 8u);
  EXPECT_EQ(channel.blocking_timeout_ns(), 20'000u);  // LTTng's unit: microseconds
  EXPECT_TRUE(channel.per_process());
  ASSERT_EQ(channel.contexts_size(), 2);
  EXPECT_EQ(channel.contexts(0), std::uint32_t{SILLAGE_CONTEXT_VTID});
  EXPECT_EQ(plan->request.format(), control::v1::CreateRecordingRequest::CTF_2);
  EXPECT_EQ(plan->duration_ns, 2'000'000'000u);
  EXPECT_TRUE(plan->allows_blocking);
  options.blocking_timeout = "inf";
  EXPECT_EQ(plan_recording(options)->request.channels(0).blocking_timeout_ns(), UINT64_MAX);
}

TEST(RecordOptions, Mistakes_SayWhatToWrite) {
  auto error_of = [](auto change) {
    RecordOptions options = with_output();
    change(&options);
    auto plan = plan_recording(options);
    return plan ? std::string("accepted") : plan.error().message;
  };
  EXPECT_NE(error_of([](auto* o) { o->contexts = {"vpit"}; }).find("did you mean vpid"),
            std::string::npos);
  EXPECT_NE(error_of([](auto* o) { o->level = "LOUD"; }).find("WARNING"), std::string::npos);
  EXPECT_NE(error_of([](auto* o) { o->buffers = "cpu"; }).find("--buffers user"),
            std::string::npos);
  EXPECT_NE(error_of([](auto* o) { o->trace_format = "ctf"; }).find("ctf-1.8"), std::string::npos);
  EXPECT_NE(error_of([](auto* o) { o->subbuf_size = "big"; }).find("512k"), std::string::npos);
  EXPECT_NE(error_of([](auto* o) { o->duration = "soon"; }).find("1.5s"), std::string::npos);
}

TEST(RecordOptions, DefaultOutput_IsLTTngs) {
  setenv("HOME", "/home/x", 1);
  unsetenv("LTTNG_HOME");
  EXPECT_EQ(default_output("app").value().rfind("/home/x/lttng-traces/app-2", 0), 0u);
  setenv("LTTNG_HOME", "/elsewhere", 1);
  EXPECT_EQ(default_output("app").value().rfind("/elsewhere/lttng-traces/app-2", 0), 0u);
  unsetenv("LTTNG_HOME");
  unsetenv("HOME");
  EXPECT_EQ(default_output("app").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace sillage::command
