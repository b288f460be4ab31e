// SPDX-License-Identifier: MIT
#include "kernel/expression_syntax.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

namespace sillage::kernel {
namespace {

constexpr std::uint32_t kMaxDepth = 64;
constexpr std::size_t kMaxExpressionBytes = 4096;

struct BinaryOperator {
  std::string_view text;
  Operation operation;
  int precedence;  // higher binds tighter
};

// Longer ones first where one begins another.
constexpr std::array<BinaryOperator, 18> kBinaryOperators{{
    {"||", Operation::kLogicalOr, 1},
    {"&&", Operation::kLogicalAnd, 2},
    {"==", Operation::kEqual, 6},
    {"!=", Operation::kNotEqual, 6},
    {"<<", Operation::kShiftLeft, 8},
    {">>", Operation::kShiftRight, 8},
    {"<=", Operation::kLessOrEqual, 7},
    {">=", Operation::kGreaterOrEqual, 7},
    {"|", Operation::kOr, 3},
    {"^", Operation::kXor, 4},
    {"&", Operation::kAnd, 5},
    {"<", Operation::kLess, 7},
    {">", Operation::kGreater, 7},
    {"+", Operation::kAdd, 9},
    {"-", Operation::kSubtract, 9},
    {"*", Operation::kMultiply, 10},
    {"/", Operation::kDivide, 10},
    {"%", Operation::kRemainder, 10},
}};

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Recursive descent, one function a rule of expression.hpp's grammar.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Syntax> parse() {
    auto whole = alternatives();
    if (!whole) return whole;
    skip_space();
    if (at_ != text_.size()) return error("the expression should end here");
    return whole;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  [[nodiscard]] bool sees(std::string_view token) {
    skip_space();
    return text_.substr(at_).starts_with(token);
  }

  bool take(std::string_view token) {
    if (!sees(token)) return false;
    at_ += token.size();
    return true;
  }

  [[nodiscard]] tl::unexpected<Error> error(std::string_view what) const {
    return fail(Code::kInvalidArgument, "\"" + std::string(text_) + "\", character " +
                                            std::to_string(at_ + 1) + ": " + std::string(what));
  }

  std::string take_name() {
    skip_space();
    const std::size_t begin = at_;
    if (at_ < text_.size() && is_name_start(text_[at_])) {
      while (at_ < text_.size() && (is_name_start(text_[at_]) || is_digit(text_[at_]))) ++at_;
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  Result<std::uint64_t> take_number() {
    skip_space();
    std::string_view rest = text_.substr(at_);
    const int base = rest.starts_with("0x") ? 16 : 10;
    if (base == 16) rest.remove_prefix(2);
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
    if (status != std::errc()) return error("a number of at most 64 bits should stand here");
    at_ = static_cast<std::size_t>(end - text_.data());
    return value;
  }

  // [ "struct" | "union" ] name { name }: "unsigned long" is two names.
  std::string take_type() {
    std::string type = take_name();
    for (std::string next = type; !next.empty();) {
      next = take_name();
      if (!next.empty()) type += " " + next;
    }
    return type;
  }

  static Syntax node(Syntax::Kind kind, std::vector<Syntax> operands, std::string text = {}) {
    return {.kind = kind, .text = std::move(text), .operands = std::move(operands)};
  }

  Result<Syntax> alternatives() {
    if (++depth_ > kMaxDepth) return fail(Code::kLimit, "an expression is nested too deep");
    auto first = choice();
    if (!first) return first;
    if (sees("|?")) {
      std::vector<Syntax> all;
      all.push_back(std::move(*first));
      while (take("|?")) {
        auto next = choice();
        if (!next) return next;
        all.push_back(std::move(*next));
      }
      --depth_;
      return node(Syntax::Kind::kAlternatives, std::move(all));
    }
    --depth_;
    return first;
  }

  Result<Syntax> choice() {
    auto condition = binary(1);
    if (!condition || !take("?")) return condition;
    auto yes = alternatives();
    if (!yes) return yes;
    if (!take(":")) return error("\":\" should stand here");
    if (++depth_ > kMaxDepth) return fail(Code::kLimit, "an expression is nested too deep");
    auto no = choice();
    if (!no) return no;
    --depth_;
    std::vector<Syntax> operands;
    operands.push_back(std::move(*condition));
    operands.push_back(std::move(*yes));
    operands.push_back(std::move(*no));
    return node(Syntax::Kind::kChoice, std::move(operands));
  }

  const BinaryOperator* see_operator() {
    if (sees("|?")) return nullptr;
    const auto* found =
        std::find_if(kBinaryOperators.begin(), kBinaryOperators.end(),
                     [this](const BinaryOperator& candidate) { return sees(candidate.text); });
    return found == kBinaryOperators.end() ? nullptr : found;
  }

  Result<Syntax> binary(int minimum_precedence) {
    auto left = unary();
    if (!left) return left;
    for (;;) {
      const BinaryOperator* op = see_operator();
      if (op == nullptr || op->precedence < minimum_precedence) return left;
      take(op->text);
      auto right = binary(op->precedence + 1);
      if (!right) return right;
      Syntax both{.kind = Syntax::Kind::kOperation, .operation = op->operation};
      both.operands.push_back(std::move(*left));
      both.operands.push_back(std::move(*right));
      left = std::move(both);
    }
  }

  Result<Syntax> unary() {
    if (++depth_ > kMaxDepth) return fail(Code::kLimit, "an expression is nested too deep");
    auto result = unary_inside();
    --depth_;
    return result;
  }

  Result<Syntax> unary_inside() {
    struct Prefix {
      std::string_view text;
      Syntax::Kind kind;
      Operation operation;
    };
    constexpr std::array<Prefix, 5> kPrefixes{{
        {"-", Syntax::Kind::kOperation, Operation::kNegate},
        {"~", Syntax::Kind::kOperation, Operation::kComplement},
        {"!", Syntax::Kind::kOperation, Operation::kNot},
        {"*", Syntax::Kind::kDereference, Operation::kAdd},
        {"&", Syntax::Kind::kAddress, Operation::kAdd},
    }};
    for (const Prefix& prefix : kPrefixes) {
      if (!take(prefix.text)) continue;
      auto operand = unary();
      if (!operand) return operand;
      Syntax result{.kind = prefix.kind, .operation = prefix.operation};
      result.operands.push_back(std::move(*operand));
      return result;
    }
    if (auto type = take_cast()) {
      auto operand = unary();
      if (!operand) return operand;
      type->operands.push_back(std::move(*operand));
      return std::move(*type);
    }
    return postfix();
  }

  // "(a)" behind which "-", "*" or "&" may stand is a cast if that is certainly a type.
  static bool is_type(const Syntax& cast) {
    constexpr std::array<std::string_view, 8> kIntegers{"u8", "u16", "u32", "u64",
                                                        "s8", "s16", "s32", "s64"};
    return cast.number == 1 || cast.text.find(' ') != std::string::npos ||
           std::find(kIntegers.begin(), kIntegers.end(), cast.text) != kIntegers.end();
  }

  // "(" type ")" where a cast stands: names only inside, and something behind that begins an operand.
  std::optional<Syntax> take_cast() {
    const std::size_t before = at_;
    if (take("(")) {
      Syntax cast{.kind = Syntax::Kind::kCast, .text = take_type()};
      if (take("*")) cast.number = 1;
      if (!cast.text.empty() && take(")")) {
        skip_space();
        const char next = at_ < text_.size() ? text_[at_] : '\0';
        if (is_name_start(next) || is_digit(next) || next == '(' || next == '$' || is_type(cast))
          return cast;
      }
    }
    at_ = before;
    return std::nullopt;
  }

  Result<Syntax> postfix() {
    auto value = primary();
    if (!value) return value;
    for (;;) {
      Syntax outer;
      if (take("->")) {
        outer.kind = Syntax::Kind::kArrow;
      } else if (take(".")) {
        outer.kind = Syntax::Kind::kDot;
      } else if (take("[")) {
        outer.kind = Syntax::Kind::kIndex;
        outer.operands.push_back(std::move(*value));
        auto index = alternatives();
        if (!index) return index;
        outer.operands.push_back(std::move(*index));
        if (!take("]")) return error("\"]\" should stand here");
        value = std::move(outer);
        continue;
      } else {
        return value;
      }
      outer.text = take_name();
      if (outer.text.empty()) return error("a member's name should stand here");
      outer.operands.push_back(std::move(*value));
      value = std::move(outer);
    }
  }

  Result<Syntax> primary() {
    skip_space();
    if (at_ == text_.size()) return error("an operand is missing");
    if (is_digit(text_[at_])) {
      const auto number = take_number();
      if (!number) return tl::unexpected(number.error());
      return Syntax{.kind = Syntax::Kind::kNumber, .number = *number};
    }
    if (take("(")) {
      auto inner = alternatives();
      if (!inner) return inner;
      if (!take(")")) return error("\")\" should stand here");
      return inner;
    }
    if (take("$")) {
      std::string name = take_name();
      if (name.empty()) return error("the name of a variable should stand here");
      return node(Syntax::Kind::kVariable, {}, std::move(name));
    }
    std::string name = take_name();
    if (name.empty()) return error("no operand begins like this");
    if (name == "sizeof") {
      if (!take("(")) return error("\"(\" should stand here");
      std::string type = take_type();
      if (type.empty() || !take(")")) return error("a type and \")\" should stand here");
      return node(Syntax::Kind::kSizeOf, {}, std::move(type));
    }
    if (take("::")) {
      std::string enumerator = take_name();
      if (enumerator.empty()) return error("an enumerator's name should stand here");
      std::vector<Syntax> operands;
      operands.push_back(node(Syntax::Kind::kName, {}, std::move(enumerator)));
      return node(Syntax::Kind::kEnumerator, std::move(operands), std::move(name));
    }
    if (!take("(")) return node(Syntax::Kind::kName, {}, std::move(name));
    std::vector<Syntax> arguments;
    while (!take(")")) {
      if (!arguments.empty() && !take(",")) return error("\",\" or \")\" should stand here");
      auto argument = alternatives();
      if (!argument) return argument;
      arguments.push_back(std::move(*argument));
    }
    return node(Syntax::Kind::kCall, std::move(arguments), std::move(name));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::uint32_t depth_ = 0;
};

}  // namespace

Result<SyntaxRef> parse_expression(std::string_view text) {
  if (text.size() > kMaxExpressionBytes)
    return fail(Code::kLimit, "an expression is longer than " +
                                  std::to_string(kMaxExpressionBytes) + " characters");
  auto syntax = Parser(text).parse();
  if (!syntax) return tl::unexpected(std::move(syntax).error());
  return std::make_shared<const Syntax>(std::move(*syntax));
}

}  // namespace sillage::kernel
