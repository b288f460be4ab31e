// SPDX-License-Identifier: MIT
#include "lttng/session_file.hpp"

#include "lttng/context_element.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sillage::lttng {
namespace {

namespace v1 = control::v1;

v1::SessionChannel* add_channel(v1::SessionDomain* domain, const char* name, bool per_process) {
  v1::SessionChannel* channel = domain->add_channels();
  channel->set_is_enabled(true);
  v1::ChannelRequest* options = channel->mutable_options();
  options->set_name(name);
  options->set_overwrite(true);
  options->set_subbuf_bytes(65536);
  options->set_subbuf_count(8);
  options->set_switch_timer_ns(1'000'000);
  options->set_read_timer_ns(200'000);
  options->set_blocking_timeout_ns(0);
  options->set_monitor_timer_ns(5000);
  options->set_tracefile_bytes(1 << 20);
  options->set_tracefile_count(3);
  options->set_is_mapped(domain->domain() == v1::USER);
  if (domain->domain() == v1::USER) options->set_per_process(per_process);
  return channel;
}

v1::RecordingRule* add_rule(v1::SessionChannel* channel, v1::RecordingRule::Kind kind,
                            const char* name, const char* place = "") {
  v1::SessionRule* entry = channel->add_rules();
  entry->set_is_enabled(true);
  entry->mutable_rule()->set_kind(kind);
  entry->mutable_rule()->set_name(name);
  entry->mutable_rule()->set_place(place);
  return entry->mutable_rule();
}

/// A session with something of everything that a file can have.
v1::Session whole_session() {
  v1::Session session;
  session.set_name("a <b> & \"c\"");
  session.set_path("/t/a b");
  session.set_trace_format("ctf-2");
  session.set_state(v1::Session::STARTED);
  v1::SessionDomain* kernel = session.add_domains();
  kernel->set_domain(v1::KERNEL);
  v1::SessionChannel* events = add_channel(kernel, "k", false);
  add_rule(events, v1::RecordingRule::KERNEL_TRACEPOINT, "sched_*")->add_exclusions("sched_wa*");
  add_rule(events, v1::RecordingRule::SYSCALL, "openat");
  add_rule(events, v1::RecordingRule::FUNCTION, "f", "vfs_read");
  add_rule(events, v1::RecordingRule::PROBE, "p", "vfs_read+0x10");
  add_rule(events, v1::RecordingRule::PROBE, "q", "0xffffffff81000000");
  add_rule(events, v1::RecordingRule::USERSPACE_PROBE, "u", "/bin/sh:main");
  add_rule(events, v1::RecordingRule::USERSPACE_PROBE, "e", "elf:/bin/sh:main");
  add_rule(events, v1::RecordingRule::USERSPACE_PROBE, "s", "sdt:/lib/libc.so.6:libc:setjmp");
  for (const char* context :
       {"pid", "callstack-user", "need_reschedule", "perf:cpu:cycles", "perf:cpu:cpu-cycles",
        "perf:cpu:L1-dcache-store-misses", "perf:cpu:raw:r1a8:mine", "perf:cpu:faults"})
    events->add_contexts(context);
  add_channel(kernel, "mapped", false)->mutable_options()->set_is_mapped(true);
  v1::InclusionSet* users = kernel->add_inclusion_sets();
  users->set_attribute(v1::UID);
  users->add_values()->set_name("root");
  users->add_values()->set_number(1000);
  v1::SessionDomain* user = session.add_domains();
  user->set_domain(v1::USER);
  v1::SessionChannel* mine = add_channel(user, "mine", false);
  v1::RecordingRule* rule = add_rule(mine, v1::RecordingRule::USER_TRACEPOINT, "tour:*");
  rule->set_level_kind(v1::EventRule::AT_LEAST_AS_SEVERE);
  rule->set_level(6);
  rule->add_exclusions("tour:detail");
  rule->add_exclusions("tour:<&>");
  rule->set_filter("index >= 3 && text == \"o<&d\r\n\"");
  mine->add_contexts("vpid");
  mine->add_contexts("perf:thread:branch-load-misses");
  mine->add_contexts("perf:thread:raw:r00a8:mine");
  mine->add_contexts("$app.prov:typ");
  v1::SessionChannel* other = add_channel(user, "other", true);
  other->set_is_enabled(false);
  other->mutable_options()->set_blocking_timeout_ns(std::numeric_limits<std::uint64_t>::max());
  other->mutable_options()->set_one_buffer(true);
  other->mutable_options()->set_on_demand(true);
  other->mutable_options()->set_reclaim_age_ns(5'000'000);
  other->mutable_options()->set_watchdog_timer_ns(7000);
  rule = add_rule(other, v1::RecordingRule::USER_TRACEPOINT, "*");
  rule->set_level_kind(v1::EventRule::ONLY);
  other->mutable_rules(0)->set_is_enabled(false);
  user->add_inclusion_sets()->set_attribute(v1::VGID);  // nobody
  return session;
}

TEST(SessionFile, WhatIsWritten_IsRead) {
  const v1::Session session = whole_session();
  const std::string file = write_session_file(session);
  const auto read = read_session_file(file, "a.lttng");
  ASSERT_TRUE(read) << read.error().text() << "\n" << file;
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ((*read)[0].output_problem, "");
  // The wire form is the same for the same content, as there are no maps in it.
  EXPECT_EQ((*read)[0].session.SerializeAsString(), session.SerializeAsString())
      << write_session_file((*read)[0].session) << "\nis not\n"
      << file;
}

TEST(SessionFile, Modes_AreKept) {
  v1::Session session;
  session.set_name("s");
  session.set_trace_format("ctf-1.8");
  for (const auto mode : {v1::CreateSessionRequest::LOCAL, v1::CreateSessionRequest::SNAPSHOT,
                          v1::CreateSessionRequest::NO_OUTPUT}) {
    session.set_mode(mode);
    session.set_path(mode == v1::CreateSessionRequest::NO_OUTPUT ? "" : "/p");
    session.set_rotation_period_ns(mode == v1::CreateSessionRequest::LOCAL ? 5000 : 0);
    session.set_rotation_bytes(mode == v1::CreateSessionRequest::LOCAL ? 1 << 20 : 0);
    session.clear_snapshot_outputs();
    for (std::uint32_t id = 1; mode == v1::CreateSessionRequest::SNAPSHOT && id <= 2; ++id) {
      v1::SnapshotOutput* output = session.add_snapshot_outputs();
      output->set_id(id);
      output->set_name("snapshot-" + std::to_string(id));
      output->set_path(id == 1 ? "/p" : "/q");
      output->set_max_bytes(id - 1);
    }
    const auto read = read_session_file(write_session_file(session), "f");
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ((*read)[0].session.SerializeAsString(), session.SerializeAsString()) << mode;
  }
}

std::string in_session(const std::string& inner) {
  return "<sessions>\n<session><name>s</name>\n" + inner + "</session></sessions>";
}
std::string in_channel(const std::string& inner, const char* type = "UST") {
  return in_session("<domains><domain><type>" + std::string(type) +
                    "</type><buffer_type>PER_UID</buffer_type><channels><channel><name>c</name>\n" +
                    inner + "</channel></channels></domain></domains>");
}

TEST(SessionFile, WhatCannotBe_IsRefusedWithItsPlace) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "f:1: "},
      {"hm", "f:1: "},
      {"<sessions>\n<session></sessions>", "f:2: "},
      {"<other/>", "f:1: <other> where a file"},
      {"<sessions/>", "f:1: there is no session"},
      {"<sessions><session/></sessions>", "f:1: a session without a name"},
      {"<!DOCTYPE sessions>\n<sessions/>", "f:1: documents with a document type"},
      {"<!DOCTYPE s [<!ENTITY a \"b\">]><sessions>&a;</sessions>",
       "f:1: documents with a document"},
      {in_session("&nope;"), "f:3: "},
      {in_session("<nope/>"), "f:3: <nope> cannot stand in <session>"},
      {in_session("<started>maybe</started>"), "f:3: \"maybe\" is no value of <started>"},
      {in_session("<attributes><live_timer_interval>5</live_timer_interval></attributes>"),
       "f:3: live sessions"},
      {in_session("<domains><domain><type>JUL</type><channels><channel/></channels></domain>"
                  "</domains>"),
       "f:3: loggers are not traced"},
      {in_session("<domains><domain><type>SOLARIS</type></domain></domains>"), "f:3: there is no"},
      {in_channel("<subbuffer_size>-1</subbuffer_size>"), "f:4: \"-1\" is no value"},
      {in_channel("<subbuffer_size>18446744073709551616</subbuffer_size>"), "f:4: "},
      {in_channel("<switch_timer_interval>18446744073709551615</switch_timer_interval>"), "f:4: "},
      {in_channel("<events><event><type>SYSCALL</type></event></events>"),
       "f:4: \"SYSCALL\" is no"},
      {in_channel("<events><event><loglevel>x</loglevel></event></events>"), "f:4: \"x\" is no"},
      {in_channel("<contexts><context><perf><type>9</type><config>9</config><name>x</name></perf>"
                  "</context></contexts>"),
       "f:4: a counter of perf without a name"},
      {in_channel("<contexts><context/></contexts>"), "f:4: a context that is neither"},
  };
  for (const auto& [document, message] : cases) {
    const auto read = read_session_file(document, "f");
    ASSERT_FALSE(read) << document;
    EXPECT_EQ(read.error().message.find(message), 0U) << read.error().text() << "\n" << document;
  }
}

TEST(SessionFile, Nesting_IsBounded) {
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "<a>";
  const auto read = read_session_file(deep, "f");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("32 elements"), std::string::npos) << read.error().text();
}

TEST(SessionFile, LttngsOldTrackers_AreRead) {
  const auto read = read_session_file(
      in_session("<domains><domain><type>UST</type><buffer_type>PER_UID</buffer_type><trackers>"
                 "<pid_tracker><targets><pid_target><pid>12</pid></pid_target></targets>"
                 "</pid_tracker></trackers></domain></domains>"),
      "f");
  ASSERT_TRUE(read) << read.error().text();
  const v1::InclusionSet& set = (*read)[0].session.domains(0).inclusion_sets(0);
  EXPECT_EQ(set.attribute(), v1::VPID);
  EXPECT_EQ(set.values(0).number(), 12U);
}

TEST(SessionFile, NetworkOutput_AwaitsADirectory) {
  const auto read = read_session_file(
      in_session("<output><consumer_output><enabled>true</enabled><destination><net_output>"
                 "<control_uri>tcp4://h:1/</control_uri><data_uri>tcp4://h:2/</data_uri>"
                 "</net_output></destination></consumer_output></output>"),
      "f");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_NE((*read)[0].output_problem.find("--override-url"), std::string::npos);
  EXPECT_EQ((*read)[0].session.mode(), v1::CreateSessionRequest::LOCAL);
}

}  // namespace
}  // namespace sillage::lttng
