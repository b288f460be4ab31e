// SPDX-License-Identifier: MIT
#include "report/event_fields.hpp"
#include "report/info_json.hpp"
#include "report/info_text.hpp"
#include "report/test_trace.hpp"
#include "report/trace_summary.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace sillage::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class InfoTest : public TestTrace {
 protected:
  static std::vector<TraceSummary> summary_of(const ctf::TraceReader& reader) {
    return summarize(reader, [](const Error& error) { ADD_FAILURE() << error.text(); });
  }
};

TEST_F(InfoTest, Summary_CountsEventsBytesAndTime) {
  const ctf::TraceReader reader = open();
  const auto summaries = summary_of(reader);
  ASSERT_EQ(summaries.size(), 1u);
  const TraceSummary& summary = summaries[0];
  EXPECT_EQ(summary.packet_count, 1u);
  EXPECT_EQ(summary.event_count, 3u);
  EXPECT_EQ(summary.bytes, std::filesystem::file_size(path_ / "stream"));
  EXPECT_EQ(summary.time.begin_ns, 1'000'000'100);
  EXPECT_EQ(summary.time.end_ns, 1'000'000'300);
  const auto events = by_count(summary.events);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].first, "open");
  EXPECT_EQ(events[0].second.count, 2u);
  EXPECT_EQ(events[0].second.bits, 8 * ((13 + 8 + 9) + (13 + 2 + 9)));
  EXPECT_EQ(events[1].second.bits, 8 * (13 + 2));
  EXPECT_EQ(events[2].second.count, 0u);
}

TEST_F(InfoTest, Text_NamesEventsThatOccurAndFieldsIfAsked) {
  const ctf::TraceReader reader = open();
  const auto summaries = summary_of(reader);
  const std::string brief = info_text(summaries[0], {.is_gmt = true});
  EXPECT_THAT(brief, HasSubstr("  Format       CTF 1.8\n"));
  EXPECT_THAT(brief, HasSubstr("  Time         1970-01-01 00:00:01.000000100 to "
                               "1970-01-01 00:00:01.000000300, 0.000000200 s\n"));
  EXPECT_THAT(brief, HasSubstr("1 packets, 3 events\n  Lost         nothing\n"));
  EXPECT_THAT(brief, HasSubstr("(1 others)"));
  EXPECT_THAT(brief, Not(HasSubstr("never")));
  const std::string full = info_text(summaries[0], {.has_fields = true});
  EXPECT_THAT(full, HasSubstr("never\n"));
  EXPECT_THAT(full, HasSubstr(" mode: enum u8\n"));
  EXPECT_THAT(full, HasSubstr(" $ctx.tid: i32\n"));
}

TEST_F(InfoTest, Json_HasTheSame) {
  const ctf::TraceReader reader = open();
  const std::string text = info_json(summary_of(reader), true);
  EXPECT_THAT(text, HasSubstr("\"environment\":{\"hostname\":\"here\",\"answer\":42}"));
  EXPECT_THAT(text, HasSubstr("\"begin_ns\":1000000100,\"end_ns\":1000000300,\"packets\":1"));
  EXPECT_THAT(text, HasSubstr("{\"name\":\"close, all\",\"count\":1,\"bytes\":15,\"fields\":"
                              "{\"list\":\"[u8]\",\"$ctx.tid\":\"i32\",\"$ctx.cpu_id\":\"u8\"}}"));
}

TEST_F(InfoTest, Fields_TypesInShort) {
  const ctf::TraceReader reader = open();
  const auto fields = fields_of(*reader.traces()[0]->plan);
  std::string text;
  for (const EventField& field : fields.at("open")) text += field.name + '=' + field.type + ';';
  EXPECT_EQ(text, "path=text;mode=enum u8;at={x: i32, y: i32};$ctx.tid=i32;$ctx.cpu_id=u8;");
}

}  // namespace
}  // namespace sillage::report
