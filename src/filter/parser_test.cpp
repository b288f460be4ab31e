// SPDX-License-Identifier: MIT
#include "filter/parser.hpp"

#include "filter/bind.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sillage::filter {
namespace {

using ::testing::HasSubstr;

// The tree with parentheses around every operation: which operand belongs to which.
std::string shape(const Tree& tree, const Node& node) {
  static constexpr const char* kSigns[] = {
      "?", "!", "~", "-", "*",  "/", "%",  "+",  "-",  "<<", ">>",
      "&", "^", "|", "<", "<=", ">", ">=", "==", "!=", "&&", "||"};
  switch (node.kind) {
    case Node::Kind::kInteger: return std::to_string(node.integer);
    case Node::Kind::kReal: return std::to_string(node.real);
    case Node::Kind::kField: return tree.fields[node.index].text();
    case Node::Kind::kText: {
      std::string text;
      for (const std::string& piece : tree.texts[node.index].pieces) {
        text += (text.empty() ? "'" : "*") + piece;
      }
      return text + "'";
    }
    case Node::Kind::kOperation: break;
  }
  const std::string sign = kSigns[static_cast<std::size_t>(node.operation)];
  if (node.count == 1) return sign + shape(tree, tree.nodes[tree.operands[node.first]]);
  std::string text = "(";
  for (std::uint32_t i = 0; i < node.count; ++i) {
    if (i != 0) text += ' ' + sign + ' ';
    text += shape(tree, tree.nodes[tree.operands[node.first + i]]);
  }
  return text + ")";
}

std::string shape(std::string_view text) {
  const auto tree = parse(text);
  return tree ? shape(*tree, tree->root()) : tree.error().text();
}

TEST(FilterParser, Precedence_IsLttngs) {
  EXPECT_EQ(shape("a & 4 == 4"), "((a & 4) == 4)");
  EXPECT_EQ(shape("a | b ^ c & d << e + f * g"), "(a | (b ^ (c & (d << (e + (f * g))))))");
  EXPECT_EQ(shape("a || b && c == d < e"), "(a || (b && (c == (d < e))))");
  EXPECT_EQ(shape("a * b + c << d & e ^ f | g < h == i && j || k"),
            "((((((((((a * b) + c) << d) & e) ^ f) | g) < h) == i) && j) || k)");
  EXPECT_EQ(shape("a - b - c"), "((a - b) - c)");
  EXPECT_EQ(shape("a < b > c"), "((a < b) > c)");
  EXPECT_EQ(shape("(a || b) && c"), "((a || b) && c)");
  EXPECT_EQ(shape("a || b || c && d && e"), "(a || b || (c && d && e))");
  EXPECT_EQ(shape("!a == ~b"), "(!a == ~b)");
  EXPECT_EQ(shape("- -a + +b"), "(--a + b)");
}

TEST(FilterParser, Names) {
  EXPECT_EQ(shape("a.b[3].c[0]"), "a.b[3].c[0]");
  EXPECT_EQ(shape("a->b"), "a.b");
  EXPECT_EQ(shape("$ctx.vpid"), "$ctx.vpid");
  EXPECT_EQ(shape("$app.my_app:name == 1"), "($app.my_app:name == 1)");
  EXPECT_EQ(shape("_x9"), "_x9");
  EXPECT_EQ(shape("größe"), "größe");
  const auto tree = parse("a == 1 || a == 2 || b.a == 3");
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->fields.size(), 2u);
}

TEST(FilterParser, Literals) {
  EXPECT_EQ(shape("0x2A"), "42");
  EXPECT_EQ(shape("052"), "42");
  EXPECT_EQ(shape("42ULL"), "42");
  EXPECT_EQ(shape("0"), "0");
  EXPECT_EQ(shape("18446744073709551615"), "-1");
  EXPECT_EQ(shape("x == 5."), "(x == 5.000000)");
  EXPECT_EQ(shape("x == .5e+1"), "(x == 5.000000)");
  EXPECT_EQ(shape("x == 0x1.4p2"), "(x == 5.000000)");
  EXPECT_EQ(shape("x == 0x1e+3"), "(x == (30 + 3))");
  EXPECT_EQ(shape(R"(x == "a\"\t\x41\101")"), "(x == 'a\"\tAA')");
  EXPECT_EQ(shape("x == 'a'"), "(x == 'a')");
  EXPECT_EQ(shape(R"(x == "a**b\*")"), "(x == 'a*b*')");
  EXPECT_EQ(shape("x /* a */ == 1 // b"), "(x == 1)");
}

struct Wrong {
  const char* text;
  const char* location;
  const char* message;
};

TEST(FilterParser, Errors_SayColumnAndWhatToDo) {
  for (const Wrong& wrong : {
           Wrong{"", "column 1", "write one such as"},
           Wrong{"a = 1", "column 3", "write =="},
           Wrong{"a == ", "column 6", "ends where"},
           Wrong{"a == == 1", "column 6", "where a field"},
           Wrong{"a 1", "column 3", "operator or the end"},
           Wrong{"a)", "column 2", "nothing opens"},
           Wrong{"(a", "column 3", "parenthesis of column 1"},
           Wrong{"a[b]", "column 3", "index"},
           Wrong{"a[-1]", "column 3", "index"},
           Wrong{"a[1", "column 4", "write ]"},
           Wrong{"a.", "column 3", "name of a field"},
           Wrong{"$foo.a", "column 1", "$ctx.NAME"},
           Wrong{"$ctx", "column 5", "$ctx.vpid"},
           Wrong{"$app.x == 1", "column 6", "$app.PROVIDER:NAME"},
           Wrong{"a ? 1 : 0", "column 3", "no meaning"},
           Wrong{"a == \"x", "column 6", "no end"},
           Wrong{"a == \"\\q\"", "column 7", "no such escape"},
           Wrong{"a /* b", "column 3", "no end"},
           Wrong{"a == 99999999999999999999", "column 6", "64 bits"},
           Wrong{"a == 1e999", "column 6", "64 bits"},
           Wrong{"a == 08", "column 6", "no number"},
           Wrong{"a == 0x", "column 6", "no number"},
           Wrong{"a == 12ab", "column 6", "no number"},
           Wrong{"\"abc\"", "column 1", "neither true nor false"},
           Wrong{"1.5", "column 1", "neither true nor false"},
           Wrong{"!0.5", "column 2", "neither true nor false"},
           Wrong{"1 && 'x'", "column 6", "neither true nor false"},
           Wrong{"'a' == 97", "column 5", "cannot be compared"},
           Wrong{"a + 'x'", "column 3", "computed"},
           Wrong{"a & 1.5", "column 3", "integers"},
           Wrong{"~1.5", "column 1", "cannot be done"},
           Wrong{"-'x' == 1", "column 1", "cannot be done"},
           Wrong{"'a*' == 'b*'", "column 6", "two patterns"},
           Wrong{"a < 'b*'", "column 3", "no order"},
           Wrong{"a == \x01", "column 6", "no meaning"},
       }) {
    const auto tree = parse(wrong.text);
    ASSERT_FALSE(tree) << wrong.text;
    EXPECT_EQ(tree.error().code, Code::kInvalidArgument) << wrong.text;
    EXPECT_EQ(tree.error().location, wrong.location) << wrong.text;
    EXPECT_THAT(tree.error().message, HasSubstr(wrong.message)) << wrong.text;
  }
  EXPECT_FALSE(parse(std::string_view("a\0b", 3)));
}

// F31: LTTng's daemon ran out of stack.
TEST(FilterParser, HostileText_IsRefusedWithinLimits) {
  const auto repeated = [](std::string_view piece, std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += piece;
    return text;
  };
  for (const char* piece :
       {"(", "!", "~", "- ", "1+", "(1||", "a[0].", "1||1&&1==1<1|1^1&1<<1+1*("}) {
    const auto tree = parse(repeated(piece, 2000) + "1");
    ASSERT_FALSE(tree) << piece;
    EXPECT_EQ(tree.error().code, Code::kLimit) << piece;
    EXPECT_THAT(tree.error().location, HasSubstr("column ")) << piece;
  }
  EXPECT_EQ(parse(repeated("1||", 40'000) + "1").error().code, Code::kLimit);
  EXPECT_TRUE(parse(repeated("1||", 20'000) + "1"));
  EXPECT_TRUE(parse(repeated("(", 200) + "1" + repeated(")", 200)));
}

TEST(FilterParser, SeveralLines_TheErrorSaysWhich) {
  EXPECT_EQ(parse("a == 1 &&\n\n  b = 2").error().location, "line 3, column 5");
  EXPECT_EQ(parse("a == \n1 &&").error().location, "line 2, column 5");
  EXPECT_EQ(parse("a = 1\n").error().location, "line 1, column 3");
  EXPECT_EQ(parse("a = 1").error().location, "column 3");
  EXPECT_EQ(place_text("a\nbc", 4), "line 2, column 2");
}

}  // namespace
}  // namespace sillage::filter
