// SPDX-License-Identifier: MIT
#include "filter/parser.hpp"

#include "filter/bind.hpp"
#include "filter/lexer.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>

namespace sillage::filter {
namespace {

// How tightly an operator of two operands binds.
int level_of(Operator operation) {
  switch (operation) {
    case Operator::kOr: return 1;
    case Operator::kAnd: return 2;
    case Operator::kEqual:
    case Operator::kNotEqual: return 3;
    case Operator::kLess:
    case Operator::kLessOrEqual:
    case Operator::kGreater:
    case Operator::kGreaterOrEqual: return 4;
    case Operator::kBitOr: return 5;
    case Operator::kBitXor: return 6;
    case Operator::kBitAnd: return 7;
    case Operator::kShiftLeft:
    case Operator::kShiftRight: return 8;
    case Operator::kAdd:
    case Operator::kSubtract: return 9;
    case Operator::kMultiply:
    case Operator::kDivide:
    case Operator::kRemainder: return 10;
    default: return 0;
  }
}

// Every field may be of any type: finds what no event can make right.
class AnySchema final : public Schema {
 public:
  [[nodiscard]] std::optional<Slot> find(const FieldName&) const override { return Slot{}; }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : lexer_(text) {}

  Result<Tree> parse() {
    SILLAGE_TRY(advance());
    if (token_.kind == Token::Kind::kEnd) {
      return fail_at(1, "there is no expression: write one such as fd == 3");
    }
    if (auto root = take_operations(1); !root) return tl::unexpected<Error>(root.error());
    if (token_.kind != Token::Kind::kEnd) {
      return fail_at(
          token_.column,
          "\"" + std::string(token_.text) + "\" stands where an operator or the end was expected" +
              (token_.kind == Token::Kind::kClose ? ": nothing opens this parenthesis" : ""));
    }
    return std::move(tree_);
  }

 private:
  using Place = std::uint32_t;  // in the nodes

  Status advance() {
    auto token = lexer_.next();
    if (!token) return tl::unexpected<Error>(std::move(token).error());
    token_ = std::move(*token);
    return {};
  }

  tl::unexpected<Error> too_deep() const {
    return fail(Code::kLimit,
                "the expression is nested deeper than " + std::to_string(Limits::kNesting) +
                    " levels: make it simpler",
                "column " + std::to_string(token_.column));
  }

  Result<Place> add(Node node, std::uint32_t depth = 1) {
    if (depth > Limits::kNesting) return too_deep();
    tree_.nodes.push_back(node);
    depths_.push_back(depth);
    return static_cast<Place>(tree_.nodes.size() - 1);
  }

  Result<Place> add_operation(Operator operation, std::uint32_t column,
                              const std::vector<Place>& operands) {
    std::uint32_t depth = 0;
    for (const Place operand : operands) depth = std::max(depth, depths_[operand]);
    const Node node{.kind = Node::Kind::kOperation,
                    .operation = operation,
                    .column = column,
                    .first = static_cast<std::uint32_t>(tree_.operands.size()),
                    .count = static_cast<std::uint32_t>(operands.size())};
    tree_.operands.insert(tree_.operands.end(), operands.begin(), operands.end());
    return add(node, depth + 1);
  }

  // Operators of this level and all that bind tighter.
  Result<Place> take_operations(int level) {
    if (++nesting_ > Limits::kNesting) return too_deep();
    auto left = take_chain(level);
    --nesting_;
    return left;
  }

  Result<Place> take_chain(int level) {
    auto left = take_unary();
    if (!left) return left;
    while (token_.kind == Token::Kind::kOperator && level_of(token_.operation) >= level) {
      const Operator operation = token_.operation;
      const std::uint32_t column = token_.column;
      std::vector<Place> operands = {*left};
      // A chain of || or && is one operation, however long.
      const bool is_chain = operation == Operator::kOr || operation == Operator::kAnd;
      do {
        SILLAGE_TRY(advance());
        auto right = take_operations(level_of(operation) + 1);
        if (!right) return right;
        operands.push_back(*right);
      } while (is_chain && token_.kind == Token::Kind::kOperator && token_.operation == operation);
      left = add_operation(operation, column, operands);
      if (!left) return left;
    }
    return left;
  }

  Result<Place> take_unary() {
    Operator operation = Operator::kNone;
    const bool is_plus = is_operator(Operator::kAdd);
    if (token_.kind == Token::Kind::kNot) operation = Operator::kNot;
    if (token_.kind == Token::Kind::kComplement) operation = Operator::kComplement;
    if (is_operator(Operator::kSubtract)) operation = Operator::kMinus;
    if (operation == Operator::kNone && !is_plus) return take_operand();
    const std::uint32_t column = token_.column;
    if (++nesting_ > Limits::kNesting) return too_deep();
    SILLAGE_TRY(advance());
    auto operand = take_unary();
    --nesting_;
    if (!operand || is_plus) return operand;
    return add_operation(operation, column, {*operand});
  }

  Result<Place> take_operand() {
    const Token token = token_;
    switch (token.kind) {
      case Token::Kind::kInteger:
        SILLAGE_TRY(advance());
        return add(
            {.kind = Node::Kind::kInteger, .column = token.column, .integer = token.integer});
      case Token::Kind::kReal:
        SILLAGE_TRY(advance());
        return add({.kind = Node::Kind::kReal, .column = token.column, .real = token.real});
      case Token::Kind::kText:
        SILLAGE_TRY(advance());
        tree_.texts.push_back(token.value);
        return add({.kind = Node::Kind::kText,
                    .column = token.column,
                    .index = static_cast<std::uint32_t>(tree_.texts.size() - 1)});
      case Token::Kind::kName: return take_field(FieldName::Space::kPayload);
      case Token::Kind::kContext: return take_field(FieldName::Space::kContext);
      case Token::Kind::kApplication: return take_field(FieldName::Space::kApplication);
      case Token::Kind::kOpen: return take_parentheses();
      case Token::Kind::kEnd:
        return fail_at(token.column,
                       "the expression ends where a field, a number, a text or ( was expected");
      default:
        return fail_at(token.column,
                       "\"" + std::string(token.text) +
                           "\" stands where a field, a number, a text or ( was expected");
    }
  }

  Result<Place> take_parentheses() {
    const std::uint32_t column = token_.column;
    SILLAGE_TRY(advance());
    auto inner = take_operations(1);
    if (!inner) return inner;
    if (token_.kind != Token::Kind::kClose) {
      return fail_at(token_.column, "the parenthesis of column " + std::to_string(column) +
                                        " is not closed: write ) or an operator here");
    }
    SILLAGE_TRY(advance());
    return inner;
  }

  Result<Place> take_field(FieldName::Space space) {
    FieldName name{.space = space, .column = token_.column};
    bool is_member = true;
    if (space != FieldName::Space::kPayload) {
      const std::string_view prefix = token_.text;
      SILLAGE_TRY(advance());
      if (token_.kind != Token::Kind::kMember) {
        return fail_at(token_.column,
                       std::string(prefix) + " needs a name: write " + std::string(prefix) +
                           (space == FieldName::Space::kContext ? ".vpid" : ".PROVIDER:NAME"));
      }
      SILLAGE_TRY(advance());
    }
    do {
      if (is_member) {
        if (token_.kind != Token::Kind::kName) {
          return fail_at(token_.column, "the name of a field was expected here");
        }
        if (space == FieldName::Space::kApplication && name.path.empty() &&
            token_.text.find(':') == std::string_view::npos) {
          return fail_at(token_.column,
                         "a context of an application has two names: write $app.PROVIDER:NAME");
        }
        name.path.push_back({.member = std::string(token_.text)});
      } else {
        if (token_.kind != Token::Kind::kInteger || token_.integer < 0) {
          return fail_at(token_.column, "an index is a number from 0 on, such as [1]");
        }
        name.path.push_back({.index = static_cast<std::uint64_t>(token_.integer)});
        SILLAGE_TRY(advance());
        if (token_.kind != Token::Kind::kCloseIndex) {
          return fail_at(token_.column, "the index is not closed: write ] here");
        }
      }
      SILLAGE_TRY(advance());
      is_member = token_.kind == Token::Kind::kMember;
      if (!is_member && token_.kind != Token::Kind::kOpenIndex) break;
      if (name.path.size() == Limits::kNesting) return too_deep();
      SILLAGE_TRY(advance());
    } while (true);
    return add({.kind = Node::Kind::kField, .column = name.column, .index = place_of(name)});
  }

  std::uint32_t place_of(const FieldName& name) {
    const auto found = std::ranges::find_if(tree_.fields, [&](const FieldName& other) {
      return other.space == name.space && other.path == name.path;
    });
    if (found != tree_.fields.end()) {
      return static_cast<std::uint32_t>(found - tree_.fields.begin());
    }
    tree_.fields.push_back(name);
    return static_cast<std::uint32_t>(tree_.fields.size() - 1);
  }

  [[nodiscard]] bool is_operator(Operator operation) const {
    return token_.kind == Token::Kind::kOperator && token_.operation == operation;
  }

  Lexer lexer_;
  Token token_;
  Tree tree_;
  std::vector<std::uint32_t> depths_;  // of the nodes
  std::uint32_t nesting_ = 0;  // calls of take_operations() and take_unary() that are not over
};

Result<Tree> parse_checked(std::string_view text) {
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return fail_at(static_cast<std::uint32_t>(nul + 1), "there is a byte 0 in the expression");
  }
  auto tree = Parser(text).parse();
  if (!tree) return tree;
  Binding any = bind(*tree, AnySchema());
  if (any.mismatch) return tl::unexpected<Error>(std::move(*any.mismatch));
  return tree;
}

}  // namespace

std::string place_text(std::string_view text, std::uint32_t column) {
  const std::string_view before = text.substr(0, column == 0 ? 0 : column - 1);
  const auto lines = std::ranges::count(text, '\n');
  if (lines == 0) return "column " + std::to_string(column);
  const std::size_t begin = before.rfind('\n') + 1;  // 0 if there is none before
  return "line " + std::to_string(std::ranges::count(before, '\n') + 1) + ", column " +
         std::to_string(before.size() - begin + 1);
}

void add_line(std::string_view text, Error* error) {
  constexpr std::string_view kColumn = "column ";
  if (!error->location.starts_with(kColumn)) return;
  std::uint32_t column = 0;
  const char* const end = error->location.data() + error->location.size();
  const auto done = std::from_chars(error->location.data() + kColumn.size(), end, column);
  if (done.ec == std::errc()) error->location = place_text(text, column);
}

Result<Tree> parse(std::string_view text) {
  if (text.size() > Limits::kTextBytes) {
    return fail(Code::kLimit, "the expression has " + std::to_string(text.size()) +
                                  " bytes, more than " + std::to_string(Limits::kTextBytes) +
                                  ": make it shorter");
  }
  auto tree = parse_checked(text);
  if (!tree) add_line(text, &tree.error());
  return tree;
}

}  // namespace sillage::filter
