// SPDX-License-Identifier: MIT
#include "report/event_selection.hpp"

#include "report/test_trace.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace sillage::report {
namespace {

using ::testing::HasSubstr;

class EventSelectionTest : public TestTrace {
 protected:
  // Cycles of the events that are chosen, or what is wrong.
  [[nodiscard]] std::string chosen(const std::vector<std::string>& patterns,
                                   const std::string& filter = {}) const {
    ctf::TraceReader reader = open();
    auto selection = EventSelection::make(patterns, filter.empty() ? nullptr : &filter, reader);
    if (!selection) return selection.error().text();
    std::string found;
    while (const ctf::DataStream* stream = reader.next()) {
      if (selection->wants(*stream)) found += std::to_string(stream->event().clock) + ' ';
    }
    return found;
  }
};

TEST_F(EventSelectionTest, Patterns_ChooseByName) {
  EXPECT_EQ(chosen({}), "100 200 300 ");
  EXPECT_EQ(chosen({"o*n"}), "100 300 ");
  EXPECT_EQ(chosen({"never", "close*"}), "200 ");
  EXPECT_THAT(chosen({"opne"}), HasSubstr("did you mean open"));
}

TEST_F(EventSelectionTest, Filters_LookIntoPayloadContextsAndEnvironment) {
  EXPECT_EQ(chosen({}, "mode == 2"), "100 ");
  EXPECT_EQ(chosen({}, "path == \"a*\""), "100 ");
  EXPECT_EQ(chosen({}, "at.x > 0 || list[1] == 6"), "200 300 ");
  EXPECT_EQ(chosen({}, "$ctx.tid == 8"), "200 ");
  EXPECT_EQ(chosen({}, "$ctx.cpu_id == 3 && $ctx.answer == 42"), "100 200 300 ");
  EXPECT_EQ(chosen({"open"}, "$ctx.hostname == \"elsewhere\""), "");
}

TEST_F(EventSelectionTest, FiltersThatCannotBe_SayWhy) {
  EXPECT_THAT(chosen({}, "at.z == 1"), HasSubstr("no event here has the field at.z"));
  EXPECT_THAT(chosen({}, "$ctx.tidd == 1"), HasSubstr("did you mean $ctx.tid"));
  EXPECT_THAT(chosen({}, "mode == 1 && n == 1"), HasSubstr("put ||"));
  EXPECT_THAT(chosen({}, "path == 1"), HasSubstr("--filter: "));
  EXPECT_THAT(chosen({}, "mode =="), HasSubstr("--filter: "));
}

}  // namespace
}  // namespace sillage::report
