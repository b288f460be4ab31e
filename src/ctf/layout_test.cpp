// SPDX-License-Identifier: MIT
#include "ctf/layout.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace sillage::ctf {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> names(const FieldClassRef& structure) {
  std::vector<std::string> out;
  for (const Member& member : structure->as<Structure>()->members) out.push_back(member.name);
  return out;
}

TEST(PayloadBuilder, Sequence_HasItsLengthInFront) {
  const FieldClassRef payload = PayloadBuilder().sequence("list", {.size_bytes = 2}).build();
  ASSERT_THAT(names(payload), ElementsAre("_list_length", "list"));
  const auto& members = payload->as<Structure>()->members;
  EXPECT_EQ(members[0].field_class->as<Integer>()->layout.length_bits, 32u);
  const FieldLocation expected{Scope::kPayload, {"_list_length"}};
  EXPECT_EQ(members[1].field_class->as<DynamicArray>()->length, expected);
}

TEST(PayloadBuilder, LengthNameIsTaken_LocationFollowsTheNewName) {
  const FieldClassRef payload = PayloadBuilder()
                                    .integer("_text_length", {})
                                    .text_sequence("text")
                                    .blob_sequence("text", "")
                                    .build();
  ASSERT_THAT(names(payload),
              ElementsAre("_text_length", "_text_length_2", "text", "_text_length_3", "text_2"));
  const auto& members = payload->as<Structure>()->members;
  EXPECT_EQ(members[2].field_class->as<DynamicString>()->length_bytes.path.back(),
            "_text_length_2");
  EXPECT_EQ(members[4].field_class->as<DynamicBlob>()->length_bytes.path.back(), "_text_length_3");
}

TEST(PayloadBuilder, EmptyAndInvalidNames_BecomeText) {
  EXPECT_THAT(names(PayloadBuilder().string("").string("\xff").string("").build()),
              ElementsAre("_", "\xef\xbf\xbd", "__2"));
}

TEST(PayloadBuilder, ManyFieldsOfOneName_TakeLinearTime) {
  PayloadBuilder payload;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 60'000; ++i) payload.boolean("same");
  EXPECT_EQ(names(payload.build()).back(), "same_60000");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(PayloadBuilder, EqualLabels_AreJoinedAndEmptyRangesDropped) {
  const auto minus = [](int value) { return static_cast<std::uint64_t>(-value); };
  const FieldClassRef payload =
      PayloadBuilder()
          .enumeration("e", {.is_signed = true},
                       {{"a", {minus(3), minus(1)}}, {"b", {1, minus(1)}}, {"a", {5, 5}}})
          .build();
  const Integer* integer = payload->as<Structure>()->members[0].field_class->as<Integer>();
  EXPECT_THAT(integer->mappings, ElementsAre(Mapping{"a", {{minus(3), minus(1)}, {5, 5}}}));
}

TEST(PayloadBuilder, AfterBuild_StartsAnew) {
  PayloadBuilder payload;
  (void)payload.string("a").build();
  EXPECT_THAT(names(payload.string("a").build()), ElementsAre("a"));
}

TEST(ChannelStreamClass, Contexts_InTheGivenOrderWithoutUnknownOnes) {
  const DataStreamClass stream =
      channel_stream_class(4, {5, 99, 0, 3}, monotonic_clock_class("", 0));
  EXPECT_EQ(stream.id, 4u);
  EXPECT_EQ(stream.default_clock_id, "monotonic");
  ASSERT_THAT(names(stream.common_context), ElementsAre("ip", "procname"));
  EXPECT_EQ(stream.common_context->as<Structure>()
                ->members[1]
                .field_class->as<StaticString>()
                ->length_bytes,
            17u);
}

TEST(ChannelStreamClass, NoContexts_NoCommonContext) {
  EXPECT_EQ(channel_stream_class(0, {}, monotonic_clock_class("", 0)).common_context, nullptr);
}

TEST(ClockClass, NegativeOffset_HasCyclesBelowTheFrequency) {
  ClockClass clock;
  clock.set_offset_ns(-1);
  EXPECT_EQ(clock.offset_seconds, -1);
  EXPECT_EQ(clock.offset_cycles, 999'999'999u);
  clock.set_offset_ns(-2'000'000'000);
  EXPECT_EQ(clock.offset_seconds, -2);
  EXPECT_EQ(clock.offset_cycles, 0u);
  clock.set_offset_ns(1'500'000'000);
  EXPECT_EQ(clock.offset_seconds, 1);
  EXPECT_EQ(clock.offset_cycles, 500'000'000u);
}

TEST(UstEnvironment, PerProcess_NamesTheProcess) {
  const auto entries =
      ust_environment({.session_name = "s",
                       .creation_datetime = "20260102T030405+0000",
                       .hostname = "h",
                       .user_id = 1000,
                       .process = UstEnvironment::Process{7, "app", "20260102T030406+0000"}});
  ASSERT_EQ(entries.size(), 14u);
  EXPECT_EQ(std::get<std::string>(entries[4].value), "pid");
  EXPECT_EQ(std::get<std::int64_t>(entries[5].value), 7);
  EXPECT_EQ(entries[12].name, "procname");
}

TEST(UstEnvironment, PerUser_HasTheUserAsBufferingId) {
  const auto entries = ust_environment({.user_id = 1000});
  ASSERT_EQ(entries.size(), 11u);
  EXPECT_EQ(std::get<std::string>(entries[4].value), "uid");
  EXPECT_EQ(std::get<std::int64_t>(entries[5].value), 1000);
}

}  // namespace
}  // namespace sillage::ctf
