// SPDX-License-Identifier: MIT
#include "filter/evaluate.hpp"

#include "filter/bind.hpp"
#include "filter/parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace sillage::filter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The event that LTTng's answers below are about.
class SampleEvent final : public Schema, public Record {
 public:
  SampleEvent() {
    put("i", std::int64_t{5});
    put("n", std::int64_t{-3});
    put("big", std::int64_t{-1});  // uint64_t of all ones
    put("u", std::int64_t{7});
    put("u8", std::int64_t{250});
    put("zero", std::int64_t{0});
    put("d", 2.5);
    put("h", 0.5);
    put("f", double{0.1f});
    put("s", "hello world");
    put("star", "a*b");
    put("t", "text");
    put("ar[0]", std::int64_t{10});
    put("ar[1]", std::int64_t{20});
    put("ar[2]", std::int64_t{-30});
    put("$ctx.vpid", std::int64_t{42});
    put("$ctx.procname", "app");
    put("sq[0]", std::int64_t{10});
    slots_["sq[7]"] = add({});  // of a sequence: only the record tells that it has fewer
  }

  [[nodiscard]] std::optional<Slot> find(const FieldName& name) const override {
    const auto found = slots_.find(name.text());
    if (found == slots_.end()) return std::nullopt;
    const Type type = values_[found->second].type;
    return Slot{found->second, type == Type::kMissing ? Type::kInteger : type};
  }
  [[nodiscard]] Scalar read(std::uint32_t slot) const override { return values_[slot]; }

 private:
  std::uint32_t add(Scalar value) {
    values_.push_back(value);
    return static_cast<std::uint32_t>(values_.size() - 1);
  }
  void put(const char* name, std::int64_t value) { slots_[name] = add(Scalar::of(value)); }
  void put(const char* name, double value) { slots_[name] = add(Scalar::of(value)); }
  void put(const char* name, const char* value) {
    slots_[name] = add(Scalar::of(std::string_view(value)));
  }

  std::map<std::string, std::uint32_t> slots_;
  std::vector<Scalar> values_;
};

enum class Answer { kTrue, kFalse, kError };

std::ostream& operator<<(std::ostream& out, Answer answer) {
  return out << (answer == Answer::kTrue ? "true" : answer == Answer::kFalse ? "false" : "error");
}

Answer answer_of(std::string_view text) {
  const auto tree = parse(text);
  if (!tree) return Answer::kError;
  const SampleEvent event;
  const Binding binding = bind(*tree, event);
  if (binding.mismatch) return Answer::kError;
  return binding.can_match() && matches(binding.tree, event) ? Answer::kTrue : Answer::kFalse;
}

struct Case {
  const char* text;
  Answer lttng;
  std::optional<Answer> ours{};  // where it is different on purpose
};
// NOLINTNEXTLINE(readability-identifier-naming): the table is wide enough
constexpr Answer T = Answer::kTrue, F = Answer::kFalse, E = Answer::kError;

// `lttng`: whether LTTng-UST 2.13.9 recorded SampleEvent in a channel with that filter (error: lttng
// refused it). One channel for each expression, one session.
const Case kCases[] = {
    {"i == 5", T},
    {"n < 0", T},
    {"n == -3", T},
    {"big > 1", F},
    {"big == -1", T},
    {"big == 18446744073709551615", T},
    {"u > n", T},
    {"big > n", T},
    {"u8 == 250", T},
    {"u8 == -6", F},
    {"d > 2", T},
    {"d == 2.5", T},
    {"d > 2.4 && d < 2.6", T},
    {"h && 1", F, E},
    {"h", F, E},
    {"1 && h", F, E},
    {"h || 0", F, E},
    {"!h", F, E},
    {"!zero", T},
    {"!i", F},
    {"zero", F},
    {"i", T},
    {"d == 5/2", E, F},
    {"i + 1 == 6", E, T},
    {"i * 2 == 10", E, T},
    {R"(s == "hello*")", T},
    {R"(s == "*world")", T},
    {R"(s == "h*o w*d")", T},
    {R"(s != "hello*")", F},
    {R"(s == "hello world")", T},
    {R"("hello*" == s)", T},
    {R"("a*" == "abc")", T},
    {R"("abc" == "abc")", T},
    {R"(s < "z")", T},
    {R"(s < "h*")", F, E},
    {R"(s > "a")", T},
    {R"(star == "a\*b")", T},
    {R"(star == "a\*c")", F},
    {R"(star == "a*")", T},
    {R"(t == "text")", T},
    {R"(t == "te*")", T},
    {"s", F, E},
    {R"("abc")", E},
    {"ar[1] == 20", T},
    {"ar[2] == -30", T},
    {"ar[9] == 0", F},
    {"sq[0] == 10", T},
    {"sq[7] == 0", F},
    {"1 || sq[7] == 0", T},
    {"0 || sq[7] == 0", F},
    {"sq[7] == 0 || 1", T},
    {"nofield == 1", F},
    {"nofield == 1 || 1", F, T},
    {"1 || nofield == 1", F, T},
    {"!(nofield == 1)", F},
    {"i & 4", T},
    {"i & 4 == 4", T},
    {"(i & 4) == 4", T},
    {"i | 8 == 13", T},
    {"n >> 1 == 0x7ffffffffffffffe", T},
    {"n >> 1 == -2", F},
    {"n >> 60 == 15", T},
    {"1 << 63 < 0", T},
    {"1 << 64", F},
    {"1 << -1", F},
    {"~i == -6", T},
    {"~0 == -1", T},
    {"-i == -5", T},
    {"+i == 5", T},
    {"i == 5.0", T},
    {"i < 5.5", T},
    {"d & 1", F, E},
    {"s & 1", F, E},
    {"s == 5", F, E},
    {R"(i == "5")", F, E},
    {"t[0] == 116", F},
    {R"('a' == "a")", T},
    {"'a' == 97", E},
    {"s == 'hello world'", T},
    {"i == 0x5", T},
    {"i == 05", T},
    {"i == 5u", T},
    {"i == 5ull", T},
    {"i == 5.", T},
    {"i == .5e1", T},
    {"i == 0x1.4p2", T},
    {"$ctx.vpid > 0", T},
    {R"($ctx.procname == "app")", T},
    {R"($ctx.procname == "a*")", T},
    {"$ctx.nothing == 1", F},
    {"$app.a:b == 1", F},
    {"i == 5 /* c */", T},
    {"i == 5 // c", T},
    {"i == 9223372036854775808", F},
    {"i == 99999999999999999999", F, E},
    {"i < 99999999999999999999", F, E},
    {"1 < 2 == 1", T},
    {"3 > 2 > 1", F},
    {"1 == 1 == 1", T},
    {"5 & 3 == 1", T},
    {"!i == 0", T},
    {"!!i", T},
    {"- -i == 5", T},
    {"1 || 0 && 0", T},
    {"i ^ 1 == 4", T},
    {"1 | 2 ^ 3 & 1 == 1", F},
    {R"(i == 5 && s == "hello*" && ar[0] == 10)", T},
    {"f == 0.1", F},
    {"f > 0.1", T},
    {"ar == 1", F},
    {R"("x" == "")", F},
    {R"(s == "")", F},
    {"i = 5", E},
    {"i ? 1 : 0", E},
    {R"(s == "hello world*")", T},
    {R"(s == "*")", T},
    {"u8 > 249", T},
    {"1.5", E},
    {"0.5", E},
    {"0.5 && 1", F, E},
    {"!0.5", E},
    {"h == 0.5 && zero == 0", T},
    {"(n >> 63) == 1", T},
    {"(big >> 63) == 1", T},
    {"(big & 0xf) == 15", T},
    {"(u8 << 1) == 500", T},
    {"big < 0", T},
    {"n == 18446744073709551613", T},
    {"-1 == 18446744073709551615", T},
    {"i->x == 5", F},
    {"i.x == 5", F},
    {"d && 1", T, E},
    {"n", T},
    {"u > 6", T},
    {"n != 5", T},
    {R"(s != "x")", T},
    {"i <= 5", T},
    {"i >= 6", F},
    {"d >= 2.5", T},
    {"d != 2.5", F},
    {"d < i", T},
    {"(i == 5 || n == 5) && zero == 0", T},
    {"$ctx.vpid != 0", T},
};

TEST(FilterEvaluate, AnswersAreLttngs) {
  int different = 0;
  for (const Case& each : kCases) {
    EXPECT_EQ(answer_of(each.text), each.ours.value_or(each.lttng)) << each.text;
    if (each.ours) {
      EXPECT_NE(*each.ours, each.lttng) << each.text;
      ++different;
    }
  }
  EXPECT_EQ(different, 20);
}

TEST(FilterEvaluate, Arithmetic) {
  for (const char* text :
       {"i + 1 == 6", "i - 7 == -2", "i * n == -15", "i / 2 == 2", "n / 2 == -1", "i % 3 == 2",
        "n % 2 == -1", "d * 2 == 5.0", "i / 2.0 == 2.5", "h - 1 == -0.5", "h + i > 5.4",
        "0x7fffffffffffffff + 1 < 0", "(1 << 63) / -1 == 1 << 63", "(1 << 63) % -1 == 0"}) {
    EXPECT_EQ(answer_of(text), T) << text;
  }
  for (const char* text :
       {"i / zero == 0", "i / zero != 0", "i % zero == 0", "d / 0 != 1", "!(i / zero)"}) {
    EXPECT_EQ(answer_of(text), F) << text;
  }
}

TEST(FilterEvaluate, Missing_DecidesOnlyWhatNeedsIt) {
  EXPECT_EQ(answer_of("nofield == 1 && zero"), F);
  EXPECT_EQ(answer_of("!(nofield == 1 && zero)"), T);
  EXPECT_EQ(answer_of("!(nofield == 1 || zero)"), F);
  EXPECT_EQ(answer_of("!(sq[7] == 0)"), F);
  EXPECT_EQ(answer_of("sq[7] == 0 || i == 5"), T);
  EXPECT_EQ(answer_of("i == 5 && sq[7] != 3"), F);
}

TEST(FilterBind, SaysWhatIsMissing) {
  const auto tree = parse("a == 1 || i == 5 || $ctx.b.c == 2 || a == 3");
  ASSERT_TRUE(tree);
  const Binding binding = bind(*tree, SampleEvent());
  std::vector<std::string> names;
  for (const std::uint32_t field : binding.missing) {
    names.push_back(binding.tree.fields[field].text());
  }
  EXPECT_THAT(names, ElementsAre("a", "$ctx.b.c"));
  EXPECT_TRUE(binding.can_match());
  EXPECT_FALSE(bind(*parse("a == 1 && b"), SampleEvent()).can_match());
  EXPECT_FALSE(bind(*parse("a == 1 && i"), SampleEvent()).can_match());
  EXPECT_FALSE(bind(*parse("!(a == 1 || i)"), SampleEvent()).can_match());
  EXPECT_TRUE(bind(*parse("!(a == 1 && i)"), SampleEvent()).can_match());
}

TEST(FilterBind, Mismatch_SaysColumn) {
  const Binding binding = bind(*parse("zero || s == 5"), SampleEvent());
  ASSERT_TRUE(binding.mismatch);
  EXPECT_EQ(binding.mismatch->location, "column 11");
  EXPECT_THAT(binding.mismatch->message, HasSubstr("cannot be compared"));
}

TEST(FilterPattern, Stars) {
  const auto is = [](std::string_view text, const std::string& pattern) {
    const auto tree = parse("x == \"" + pattern + "\"");
    return is_like(text, tree->texts.front());
  };
  EXPECT_TRUE(is("", "*"));
  EXPECT_TRUE(is("abc", "*"));
  EXPECT_TRUE(is("abcbc", "a*bc"));
  EXPECT_TRUE(is("abab", "ab*ab"));
  EXPECT_FALSE(is("ab", "ab*b"));
  EXPECT_FALSE(is("aba", "ab*ba"));
  EXPECT_TRUE(is("axbxc", "*x*x*"));
  EXPECT_FALSE(is("axb", "*x*x*"));
  EXPECT_TRUE(is("a*c", "a\\*c"));
  EXPECT_FALSE(is("abc", "a\\*c"));
  EXPECT_TRUE(is("a\\c", "a\\\\c"));
}

// A pattern that takes exponential time with a naive matcher.
TEST(FilterPattern, HostilePattern_IsFast) {
  std::string pattern = "x == \"";
  for (int i = 0; i < 5000; ++i) pattern += "a*";
  const auto tree = parse(pattern + "b\"");
  ASSERT_TRUE(tree);
  EXPECT_FALSE(is_like(std::string(100'000, 'a'), tree->texts.front()));
}

}  // namespace
}  // namespace sillage::filter
