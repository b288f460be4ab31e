// SPDX-License-Identifier: MIT
#include "lttng/agents.hpp"

#include "lttng/agent_domains.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sillage::lttng {
namespace {

using Value = OptionSpec::Value;

CommandLine line_of(const std::vector<std::string>& words) {
  return CommandLine::parse(words, {{"jul"},
                                    {"log4j"},
                                    {"log4j2"},
                                    {"python"},
                                    {"filter", 0, Value::kNeeded},
                                    {"loglevel", 0, Value::kNeeded},
                                    {"loglevel-only", 0, Value::kNeeded}})
      .value();
}

/// The event and the filter of a rule; what went wrong if there is none.
std::string rule_of(const std::vector<std::string>& words, std::string_view logger) {
  const CommandLine line = line_of(words);
  const Agent* agent = agent_of(line);
  if (agent == nullptr) return "no agent";
  const auto rule = agent_rule(*agent, logger, line);
  return rule ? rule->name() + " " + rule->filter() : rule.error().message;
}

// As `lttng list` of LTTng 2.13 shows them.
TEST(Agents, Rules_AreFiltersOfTheTracepoint) {
  EXPECT_EQ(rule_of({"--python"}, "net.http"), "lttng_python:event logger_name == \"net.http\"");
  EXPECT_EQ(rule_of({"--python", "--loglevel=ERROR"}, "d*"),
            "lttng_python:event (logger_name == \"d*\") && (int_loglevel >= 40)");
  EXPECT_EQ(
      rule_of({"--python", "--loglevel-only=PYTHON_WARNING", "--filter=lineno > 0"}, "root"),
      "lttng_python:event ((lineno > 0) && (logger_name == \"root\")) && (int_loglevel == 30)");
  EXPECT_EQ(rule_of({"--jul"}, "*"), "lttng_jul:event ");
  EXPECT_EQ(rule_of({"--jul", "--loglevel=jul_fine"}, "*"), "lttng_jul:event int_loglevel >= 500");
  EXPECT_EQ(rule_of({"--log4j", "--loglevel=12345"}, "*"),
            "lttng_log4j:event int_loglevel >= 12345");
  EXPECT_EQ(rule_of({}, "*"), "no agent");
}

TEST(Agents, Log4j2_CountsTheOtherWay) {
  EXPECT_EQ(rule_of({"--log4j2", "--loglevel=WARN"}, "*"),
            "lttng_log4j2:event int_loglevel <= 300");
}

TEST(Agents, UnknownLevel_NamesAll) {
  EXPECT_EQ(rule_of({"--python", "--loglevel=SEVERE"}, "*"),
            "Unknown loglevel SEVERE: use one of CRITICAL ERROR WARNING INFO DEBUG NOTSET");
}

TEST(Agents, QuotesInLoggerNames_StayInTheText) {
  EXPECT_EQ(rule_of({"--jul"}, "a\"b"), "lttng_jul:event logger_name == \"a\\\"b\"");
}

TEST(Agents, LoggerAndLevel_AreReadBackFromTheFilter) {
  const auto read_back = [](const std::vector<std::string>& words, std::string_view logger) {
    const CommandLine line = line_of(words);
    const Agent& agent = *agent_of(line);
    const AgentRule rule = agent_rule_of(agent, agent_rule(agent, logger, line)->filter());
    return rule.logger + (rule.level ? (rule.is_level_only ? " == " : " <= ") + *rule.level : "");
  };
  EXPECT_EQ(read_back({"--python"}, "*"), "*");
  EXPECT_EQ(read_back({"--python", "--filter=lineno > 3"}, "*"), "*");
  EXPECT_EQ(read_back({"--python"}, "a \"b\\"), "a \"b\\");
  EXPECT_EQ(read_back({"--jul", "--loglevel=INFO"}, "*"), "* <= JUL_INFO");
  EXPECT_EQ(read_back({"--log4j", "--loglevel-only=17"}, "x.y"), "x.y == 17");
  EXPECT_EQ(read_back({"--log4j2", "--loglevel=WARN"}, "x"), "x <= LOG4J2_WARN");
  EXPECT_EQ(read_back({"--python", "--loglevel=ERROR", "--filter=(a == 1) && (b == 2)"}, "db*"),
            "db* <= PYTHON_ERROR");
}

}  // namespace
}  // namespace sillage::lttng
