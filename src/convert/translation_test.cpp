// SPDX-License-Identifier: MIT
#include "convert/translation.hpp"

#include "ctf/metadata_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace sillage::convert {
namespace {

using namespace ctf;  // the model's names are this file's words
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::shared_ptr<const Plan> plan_of(FieldClassRef payload, TraceModel model = {}) {
  model.version = Version::kCtf2;
  if (model.streams.empty()) model.streams.push_back({});
  model.events.push_back({.name = "e", .payload = std::move(payload)});
  auto plan = Plan::compile(std::make_shared<const TraceModel>(std::move(model)));
  EXPECT_TRUE(plan) << plan.error().text();
  return *plan;
}

FieldClassRef structure_of(std::vector<Member> members) {
  return make_field_class(Structure{.members = std::move(members)});
}

Translation to_ctf18_of(const FieldClassRef& payload) {
  const auto plan = plan_of(payload);
  auto translation = to_ctf18(*plan);
  EXPECT_TRUE(translation) << translation.error().text();
  // Whatever it is, readers of CTF 1.8 must understand it.
  const std::string text = metadata_text(translation->model);
  const auto read = read_metadata(std::as_bytes(std::span<const char>(text)));
  EXPECT_TRUE(read) << read.error().text() << "\n" << text;
  if (read) {
    EXPECT_TRUE(Plan::compile(std::make_shared<const TraceModel>(*read))) << text;
  }
  return std::move(*translation);
}

std::vector<std::string> names_of(const Translation& translation) {
  std::vector<std::string> names;
  for (const Member& member : translation.model.events.front().payload->as<Structure>()->members) {
    names.push_back(member.name);
  }
  return names;
}

FieldLocation at(std::string name) { return {.path = {std::move(name)}}; }

TEST(ToCtf18, PlainFields_KeepBytesWithoutNotice) {
  const Translation translation = to_ctf18_of(structure_of({
      {"count", make_field_class(Integer{})},
      {"text", make_field_class(NullTerminatedString{})},
      {"list",
       make_field_class(DynamicArray{.length = at("count"), .element = make_field_class(Float{})})},
  }));
  EXPECT_THAT(translation.notices, IsEmpty());
  EXPECT_TRUE(translation.form.streams.front().keeps_bytes);
  EXPECT_THAT(names_of(translation), ElementsAre("_count", "_text", "_list"));
}

TEST(ToCtf18, Option_BecomesTagAndVariant) {
  const Translation translation = to_ctf18_of(structure_of({
      {"there", make_field_class(Boolean{})},
      {"x", make_field_class(
                Optional{.selector = at("there"), .field_class = make_field_class(Integer{})})},
  }));
  EXPECT_THAT(names_of(translation), ElementsAre("_there", "_x_tag", "_x"));
  EXPECT_FALSE(translation.form.streams.front().keeps_bytes);
  EXPECT_THAT(translation.notices, Contains(HasSubstr("payload \"x\": an option becomes")));
  EXPECT_THAT(translation.notices, Contains(HasSubstr("payload \"there\": a boolean becomes")));
}

TEST(ToCtf18, OptionInArray_IsWrapped) {
  const Translation translation = to_ctf18_of(structure_of({
      {"there", make_field_class(Boolean{})},
      {"x", make_field_class(StaticArray{
                .length = 2,
                .element = make_field_class(Optional{
                    .selector = at("there"), .field_class = make_field_class(Integer{})})})},
  }));
  EXPECT_THAT(translation.notices, Contains(HasSubstr("\"x[]\": it becomes a structure")));
}

TEST(ToCtf18, VariantWithFittingLabels_KeepsSelectorAndBytes) {
  Integer tag;
  tag.mappings = {{.name = "_one", .ranges = {{1, 1}}}, {.name = "two", .ranges = {{2, 2}}}};
  Variant variant{.selector = at("tag")};
  variant.options = {
      {.name = "one", .ranges = {{1, 1}}, .field_class = make_field_class(Integer{})},
      {.name = "two", .ranges = {{2, 2}}, .field_class = make_field_class(NullTerminatedString{})}};
  const Translation translation =
      to_ctf18_of(structure_of({{"tag", make_field_class(tag)}, {"v", make_field_class(variant)}}));
  EXPECT_THAT(translation.notices, IsEmpty());
  EXPECT_THAT(metadata_text(translation.model), HasSubstr("variant <_tag> {"));
}

TEST(ToCtf18, VariantWithoutLabels_GetsTag) {
  Variant variant{.selector = at("n")};
  variant.options = {
      {.name = "", .ranges = {{1, 5}}, .field_class = make_field_class(Integer{})},
      {.name = "a b", .ranges = {{7, 7}}, .field_class = make_field_class(Structure{})}};
  const Translation translation = to_ctf18_of(
      structure_of({{"n", make_field_class(Integer{})}, {"v", make_field_class(variant)}}));
  EXPECT_THAT(names_of(translation), ElementsAre("_n", "_v_tag", "_v"));
}

TEST(ToCtf18, LengthInsideAnArray_StandsInFrontOfTheField) {
  const FieldClassRef counts = make_field_class(
      StaticArray{.length = 1, .element = structure_of({{"n", make_field_class(Integer{})}})});
  const Translation translation = to_ctf18_of(structure_of({
      {"counts", counts},
      {"list", make_field_class(DynamicArray{.length = {.path = {"counts", "n"}},
                                             .element = make_field_class(Integer{})})},
  }));
  EXPECT_THAT(names_of(translation), ElementsAre("_counts", "_list_length", "_list"));
}

TEST(ToCtf18, NamesOfAnyText_AreIdentifiersEachOnce) {
  const Translation translation = to_ctf18_of(structure_of({
      {"a b", make_field_class(Integer{})},
      {"a-b", make_field_class(Integer{})},
      {"struct", make_field_class(Integer{})},
  }));
  EXPECT_THAT(names_of(translation), ElementsAre("_a_b", "_a_b_2", "_struct"));
  EXPECT_THAT(translation.notices, ElementsAre(HasSubstr("\"a b\": its name becomes _a_b"),
                                               HasSubstr("\"a-b\": its name becomes _a_b_2")));
}

TEST(ToCtf18, TextOfOtherEncodings_BecomesUtf8) {
  const Translation translation = to_ctf18_of(structure_of({
      {"wide", make_field_class(StaticString{.length_bytes = 8, .encoding = Encoding::kUtf16Le})},
      {"bits", make_field_class(BitMap{.flags = {{.name = "f", .ranges = {{0, 0}}}}})},
      {"blob", make_field_class(StaticBlob{.length_bytes = 4, .media_type = "image/png"})},
      {"var", make_field_class(VariableInteger{})},
  }));
  EXPECT_THAT(translation.notices,
              ElementsAre(HasSubstr("becomes a string of UTF-8"), HasSubstr("its flags are lost"),
                          HasSubstr("image/png is lost"), HasSubstr("one of 64 bits")));
  // New bytes have new lengths, which packets must say.
  EXPECT_THAT(metadata_text(translation.model), HasSubstr("} content_size;"));
}

TEST(ToCtf2, OverlappingOptions_TheFirstKeepsTheNumber) {
  Variant variant{.selector = at("n"), .selector_is_signed = true};
  variant.options = {
      {.name = "a", .ranges = {{~std::uint64_t{0}, 3}}, .field_class = make_field_class(Integer{})},
      {.name = "b", .ranges = {{2, 9}}, .field_class = make_field_class(Float{})},
      {.name = "c", .ranges = {{1, 1}}, .field_class = make_field_class(Float{})}};
  const auto plan = plan_of(structure_of(
      {{"n", make_field_class(Integer{.is_signed = true})}, {"v", make_field_class(variant)}}));
  const Translation translation = to_ctf2(*plan);
  const auto* to = translation.model.events.front()
                       .payload->as<Structure>()
                       ->members[1]
                       .field_class->as<Variant>();
  ASSERT_EQ(to->options.size(), 2u);
  EXPECT_THAT(to->options[0].ranges, ElementsAre(IntegerRange{~std::uint64_t{0}, 3}));
  EXPECT_THAT(to->options[1].ranges, ElementsAre(IntegerRange{4, 9}));
}

TEST(ToCtf2, OneEventWithoutNumber_HasNumber0) {
  TraceModel model;
  model.streams.push_back({.id = 7});
  model.events.push_back({.id = 5, .stream_class_id = 7, .name = "only"});
  const auto plan = Plan::compile(std::make_shared<const TraceModel>(model));
  ASSERT_TRUE(plan);
  const Translation translation = to_ctf2(**plan);
  EXPECT_EQ(translation.model.events.front().id, 0u);
  EXPECT_EQ(translation.model.streams.front().id, 0u);
  EXPECT_THAT(metadata_text(translation.model), Not(HasSubstr("uuid")));
}

}  // namespace
}  // namespace sillage::convert
