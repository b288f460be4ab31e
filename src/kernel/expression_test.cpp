// SPDX-License-Identifier: MIT
#include "kernel/expression.hpp"

#include "kernel/event_recipes.hpp"
#include "kernel/test_btf.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace sillage::kernel {
namespace {

// Evaluates a resolved expression over memory of this process: what the generated programs do, done by
// the simplest code that can.
std::uint64_t evaluate(const Node& node, const std::vector<std::uint64_t>& arguments);

std::uint64_t extended(std::uint64_t value, std::uint32_t bits, bool is_signed) {
  if (bits == 64) return value;
  value &= (std::uint64_t{1} << bits) - 1;
  const std::uint64_t sign = std::uint64_t{1} << (bits - 1);
  return is_signed ? (value ^ sign) - sign : value;
}

std::uint64_t load(const Node& node, const std::vector<std::uint64_t>& arguments) {
  const std::uint64_t base = evaluate(node.operands[0], arguments);
  if (base == 0) return 0;
  std::uint64_t value = 0;
  std::memcpy(&value, reinterpret_cast<const char*>(base) + node.offset, node.load_bytes);
  if (node.bit_count != 0) return extended(value >> node.bit_shift, node.bit_count, node.is_signed);
  return extended(value, node.load_bytes * 8, node.is_signed);
}

std::uint64_t compute(const Node& node, const std::vector<std::uint64_t>& arguments) {
  const std::uint64_t a = evaluate(node.operands[0], arguments);
  switch (node.operation) {
    case Operation::kNegate: return 0 - a;
    case Operation::kComplement: return ~a;
    case Operation::kNot: return a == 0;
    case Operation::kLogicalAnd: return a != 0 && evaluate(node.operands[1], arguments) != 0;
    case Operation::kLogicalOr: return a != 0 || evaluate(node.operands[1], arguments) != 0;
    default: break;
  }
  const std::uint64_t b = evaluate(node.operands[1], arguments);
  const bool is_signed = node.operands[0].is_signed && node.operands[1].is_signed;
  const auto sa = static_cast<std::int64_t>(a), sb = static_cast<std::int64_t>(b);
  switch (node.operation) {
    case Operation::kAdd: return a + b;
    case Operation::kSubtract: return a - b;
    case Operation::kMultiply: return a * b;
    case Operation::kDivide: return b == 0 ? 0 : a / b;
    case Operation::kRemainder: return b == 0 ? a : a % b;
    case Operation::kAnd: return a & b;
    case Operation::kOr: return a | b;
    case Operation::kXor: return a ^ b;
    case Operation::kShiftLeft: return a << (b & 63);
    case Operation::kShiftRight:
      return node.is_signed ? static_cast<std::uint64_t>(sa >> (b & 63)) : a >> (b & 63);
    case Operation::kEqual: return a == b;
    case Operation::kNotEqual: return a != b;
    case Operation::kLess: return is_signed ? sa < sb : a < b;
    case Operation::kLessOrEqual: return is_signed ? sa <= sb : a <= b;
    case Operation::kGreater: return is_signed ? sa > sb : a > b;
    case Operation::kGreaterOrEqual: return is_signed ? sa >= sb : a >= b;
    default: return 0;
  }
}

std::uint64_t evaluate(const Node& node, const std::vector<std::uint64_t>& arguments) {
  switch (node.kind) {
    case Node::Kind::kArgument:
      return extended(arguments.at(node.index), node.size_bytes * 8, node.is_signed);
    case Node::Kind::kConstant: return node.constant;
    case Node::Kind::kLoad: return load(node, arguments);
    case Node::Kind::kPlace:
      return evaluate(node.operands[0], arguments) + static_cast<std::uint64_t>(node.offset);
    case Node::Kind::kOperation: return compute(node, arguments);
    case Node::Kind::kChoice:
      return evaluate(node.operands[evaluate(node.operands[0], arguments) != 0 ? 1 : 2], arguments);
    case Node::Kind::kCall: {
      const std::uint64_t x = evaluate(node.operands.at(0), arguments);
      return x == 0 ? 0 : std::uint64_t{1} << (63 - __builtin_clzll(x));
    }
    case Node::Kind::kCurrent:
    case Node::Kind::kVariable: break;
  }
  ADD_FAILURE() << "a node of this kind has no value here";
  return 0;
}

class Expressions : public testing::Test {
 protected:
  // Resolves over the arguments (struct test_outer *outer, int number, bool flag, char *name).
  Result<Node> resolved(std::string_view text) const {
    const auto syntax = parse_expression(text);
    if (!syntax) return tl::unexpected(syntax.error());
    const Scope scope{.btf = &btf_.types, .arguments = &btf_.arguments};
    return resolve(**syntax, scope);
  }
  std::int64_t value(std::string_view text) const {
    const auto node = resolved(text);
    EXPECT_TRUE(node) << text << ": " << node.error().text();
    if (!node) return 0;
    return static_cast<std::int64_t>(
        evaluate(*node, {reinterpret_cast<std::uint64_t>(&outer_), 0xfffffffe, 1,
                         reinterpret_cast<std::uint64_t>("abc")}));
  }

  TestBtf btf_;
  TestInner inner_{};
  TestOuter outer_ = test_outer(&inner_);
};

TEST_F(Expressions, Arithmetic_HasCsPrecedence) {
  EXPECT_EQ(value("1 + 2 * 3"), 7);
  EXPECT_EQ(value("(1 + 2) * 3"), 9);
  EXPECT_EQ(value("1 << 3 | 1"), 9);
  EXPECT_EQ(value("6 & 3 == 3"), 0);  // C's trap, as in C
  EXPECT_EQ(value("0x10 - 1 - 2"), 13);
  EXPECT_EQ(value("-2 < 1"), 1);
  EXPECT_EQ(value("~0 & 0xff"), 255);
  EXPECT_EQ(value("!0 && 1 || 0"), 1);
  EXPECT_EQ(value("0 ? 1 : 2 ? 3 : 4"), 3);
  EXPECT_EQ(value("7 / 2 % 2"), 1);
  EXPECT_EQ(value("highest_bit(0x402)"), 0x400);
  EXPECT_EQ(value("sizeof(struct test_outer)"), static_cast<std::int64_t>(sizeof(TestOuter)));
}

TEST_F(Expressions, Members_AreFoundWhereTheCompilerPutThem) {
  EXPECT_EQ(value("outer->number - 100"), -105);
  EXPECT_EQ(value("outer->inner->small"), 200);
  EXPECT_EQ(value("outer->embedded.small"), 77);
  EXPECT_EQ(value("(&outer->embedded)->small"), 77);
  EXPECT_EQ(value("outer->hidden"), 0x1234);  // of an anonymous union
  EXPECT_EQ(value("outer->numbers[2]"), 12);
  EXPECT_EQ(value("outer->inners[1].small"), 9);
  EXPECT_EQ(value("outer->numbers[number + 4]"), 12);
  EXPECT_EQ(value("outer->inners[flag].small"), 9);
  EXPECT_EQ(value("test_enum::kThree + 1"), 4);
  EXPECT_EQ(value("outer->low"), 5);
  EXPECT_EQ(value("outer->middle"), -2);
  EXPECT_EQ(value("outer->flag"), 1);
  EXPECT_EQ(value("*name"), 'a');
  EXPECT_EQ(value("name[2]"), 'c');
  EXPECT_EQ(value("((struct test_inner *)outer->untyped)->small"), 200);
  EXPECT_EQ(value("(unsigned char)outer->number"), 0xfb);
  EXPECT_EQ(value("(signed char)outer->number"), -5);
}

TEST_F(Expressions, Arguments_AreCutAndExtendedByTheirType) {
  EXPECT_EQ(value("number"), -2);
  EXPECT_EQ(value("number < 0"), 1);
  EXPECT_EQ(value("flag ? 10 : 20"), 10);
}

TEST_F(Expressions, Alternatives_TheFirstThatThisKernelHas) {
  EXPECT_EQ(value("outer->gone |? outer->number"), -5);
  EXPECT_EQ(value("(outer->gone |? outer->number) + 1"), -4);
  EXPECT_EQ(value("other_name->x |? number"), -2);
  EXPECT_EQ(value("outer->number.value |? 3"), 3);
  const auto none = resolved("outer->gone |? outer->lost");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_NE(none.error().message.find("struct test_outer"), std::string::npos);
  EXPECT_NE(none.error().message.find("gone"), std::string::npos);
}

TEST_F(Expressions, Memory_KnowsItsSizeAndWhetherItIsReadDirectly) {
  const auto name = resolved("outer->name");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->kind, Node::Kind::kPlace);
  EXPECT_EQ(name->size_bytes, 16u);
  EXPECT_TRUE(name->is_known);
  EXPECT_TRUE(resolved("outer->inner->small")->operands[0].is_known);
  // Through void* the verifier does not follow.
  EXPECT_FALSE(resolved("((struct test_inner *)outer->untyped)->small")->operands[0].is_known);
  // In a union the first member decides what may be loaded: here 8 bytes.
  EXPECT_TRUE(resolved("outer->whole")->operands[0].is_known);
  EXPECT_FALSE(resolved("outer->other->small")->operands[0].is_known);
  // It does not let programs calculate with pointers that it knows.
  EXPECT_TRUE(needs_raw_arguments(*resolved("(outer->inner - number) / 2")));
  EXPECT_FALSE(needs_raw_arguments(*resolved("outer->inner == 0 ? 1 : 2")));
}

TEST_F(Expressions, WhatCannotBe_IsAnError) {
  for (const std::string_view text :
       {"", "1 +", "(1", "1)", "outer->", "outer->numbers[", "f(1", "$", "1 ? 2", "sizeof(", "@",
        "outer number", "0x", "99999999999999999999"}) {
    const auto syntax = parse_expression(text);
    ASSERT_FALSE(syntax) << text;
    EXPECT_EQ(syntax.error().code, Code::kInvalidArgument) << text;
  }
  EXPECT_EQ(parse_expression(std::string(100, '(') + "1").error().code, Code::kLimit);
  EXPECT_EQ(parse_expression(std::string(100, '-') + "1").error().code, Code::kLimit);
  EXPECT_EQ(parse_expression(std::string(5000, ' ')).error().code, Code::kLimit);
  for (const std::string_view text :
       {"number->x", "outer.number", "number[1]", "*number", "outer->embedded + 1", "&number",
        "unknown_function(1)", "highest_bit()", "outer->numbers[4000000]",
        "outer->inner * 2 + outer->embedded"}) {
    const auto node = resolved(text);
    ASSERT_FALSE(node) << text;
    EXPECT_EQ(node.error().code, Code::kInvalidArgument) << text;
  }
  for (const std::string_view text : {"nobody", "outer->gone", "gone::kThree", "test_enum::kGone",
                                      "$jiffies", "(struct gone *)name"}) {
    const auto node = resolved(text);
    ASSERT_FALSE(node) << text;
    EXPECT_EQ(node.error().code, Code::kNotFound) << text;
  }
}

TEST(EventRecipes, Text_BecomesEventsWithFields) {
  const auto recipes = parse_recipes(
      "# comment\nevent one\nevent other\n  u32 a = x\n\nevent two = tp\n  optional x64 b = y\n "
      "text[16] c = z\n"
      " be16 d = p\n u8[4] e = q\n string f = s\n o32{some_enum} g = 1\n"
      " u8{_none=0,_some=7} h = 2\n s32[] i = list(x, 1)[0], count + 1\n headers j = k\n",
      "made");
  ASSERT_TRUE(recipes) << recipes.error().text();
  ASSERT_EQ(recipes->size(), 3u);
  EXPECT_EQ((*recipes)[0].tracepoint, "one");
  EXPECT_EQ((*recipes)[0].fields.size(), 1u);
  EXPECT_EQ((*recipes)[1].fields.size(), 1u);
  EXPECT_EQ((*recipes)[2].tracepoint, "tp");
  const auto& fields = (*recipes)[2].fields;
  ASSERT_EQ(fields.size(), 9u);
  EXPECT_TRUE(fields[0].is_optional);
  EXPECT_EQ(fields[0].type.shown, FieldType::Shown::kHexadecimal);
  EXPECT_EQ(fields[0].type.size_bytes(), 8u);
  EXPECT_EQ(fields[1].type.kind, FieldType::Kind::kText);
  EXPECT_EQ(fields[1].type.count, 16u);
  EXPECT_TRUE(fields[2].type.is_network_order);
  EXPECT_EQ(fields[3].type.kind, FieldType::Kind::kArray);
  EXPECT_EQ(fields[3].type.size_bytes(), 4u);
  EXPECT_EQ(fields[4].type.kind, FieldType::Kind::kString);
  EXPECT_EQ(fields[5].type.enumeration, "some_enum");
  ASSERT_EQ(fields[6].type.labels.size(), 2u);
  EXPECT_EQ(fields[6].type.labels[1].name, "_some");
  EXPECT_EQ(fields[6].type.labels[1].value, 7);
  EXPECT_EQ(fields[7].type.kind, FieldType::Kind::kSequence);
  EXPECT_TRUE(fields[7].type.is_signed);
  EXPECT_NE(fields[7].count, nullptr);
  EXPECT_EQ(fields[8].type.kind, FieldType::Kind::kHeaders);
}

TEST(EventRecipes, WrongLines_AreNamed) {
  for (const std::string_view text :
       {"u32 a = x", "event", "event a b", "event a =", "event a\n u33 b = x", "event a\n u32 b",
        "event a\n u32 = x", "event a\n u8[0] b = x", "event a\n u8{} b = x",
        "event a\n u8{=1} b = x", "event a\n u8{A=,} b = x", "event a\n text[x] b = y",
        "event a\n u32 b = ", "event a\n u32 b = 1 +", "event a\n u32[] b = x",
        "event a\n u32[] b = x,"}) {
    const auto recipes = parse_recipes(text, "made");
    ASSERT_FALSE(recipes) << text;
    EXPECT_EQ(recipes.error().location, text.find('\n') == text.npos ? "made:1" : "made:2") << text;
  }
}

// On whatever kernel runs: of each event that it has, one of the recipes means something.
TEST(EventRecipes, RunningKernel_HasWhatTheyAskFor) {
  const auto recipes = built_in_recipes();
  ASSERT_TRUE(recipes) << recipes.error().text();
  const auto btf = Btf::load();
  if (!btf) GTEST_SKIP() << btf.error().text();
  // Any address will do to resolve.
  const VariableFinder variable = [](std::string_view) { return 0xffffffff81000000; };
  std::set<std::string> known, resolved;
  std::string errors;
  for (const EventRecipe& recipe : *recipes) {
    if (!btf->find_tracepoint(recipe.tracepoint)) continue;
    known.insert(recipe.name);
    const auto event = resolve(recipe, *btf, variable);
    if (event)
      resolved.insert(recipe.name);
    else
      errors += event.error().text() + "\n";
  }
  EXPECT_GT(known.size(), 3u);
  EXPECT_EQ(known, resolved) << errors;
}

}  // namespace
}  // namespace sillage::kernel
