// SPDX-License-Identifier: MIT
#include "filter/evaluate.hpp"

#include <algorithm>
#include <cmath>
#include <compare>

namespace sillage::filter {
namespace {

class Evaluation {
 public:
  Evaluation(const Tree& tree, const Record& record) : tree_(tree), record_(record) {}

  // Deep as Limits::kNesting at most.
  [[nodiscard]] Scalar value(const Node& node) const {
    if (node.type == Type::kMissing) return {};
    switch (node.kind) {
      case Node::Kind::kInteger: return Scalar::of(node.integer);
      case Node::Kind::kReal: return Scalar::of(node.real);
      case Node::Kind::kText: return Scalar::of(tree_.texts[node.index].pieces.front());
      case Node::Kind::kField: return record_.read(node.index);
      case Node::Kind::kOperation: break;
    }
    if (node.operation == Operator::kAnd || node.operation == Operator::kOr) return chain(node);
    if (node.operation == Operator::kEither) return either(node);
    if (node.operation == Operator::kIsOneOf) {
      const Scalar each = value(operand(node, 0));
      if (each.type != Type::kInteger) return {};
      return Scalar::of(
          std::int64_t{std::ranges::binary_search(*tree_.sets[node.index], each.integer)});
    }
    if (node.count == 1) return unary(node.operation, value(operand(node, 0)));
    return binary(node);
  }

 private:
  [[nodiscard]] const Node& operand(const Node& node, std::uint32_t which) const {
    return tree_.nodes[tree_.operands[node.first + which]];
  }

  [[nodiscard]] const Text* pattern(const Node& node) const {
    if (node.kind != Node::Kind::kText) return nullptr;
    const Text& text = tree_.texts[node.index];
    return text.is_pattern() ? &text : nullptr;
  }

  [[nodiscard]] Scalar either(const Node& node) const {
    for (std::uint32_t i = 0; i < node.count; ++i)
      if (const Scalar each = value(operand(node, i)); each.type == Type::kInteger) return each;
    return {};
  }

  // The first operand that decides ends it; a missing one leaves the decision to the others.
  [[nodiscard]] Scalar chain(const Node& node) const {
    const bool decides = node.operation == Operator::kOr;
    bool is_missing = false;
    for (std::uint32_t i = 0; i < node.count; ++i) {
      const Scalar each = value(operand(node, i));
      if (each.type != Type::kInteger) {
        is_missing = true;
      } else if ((each.integer != 0) == decides) {
        return Scalar::of(std::int64_t{decides});
      }
    }
    return is_missing ? Scalar{} : Scalar::of(std::int64_t{!decides});
  }

  static Scalar unary(Operator operation, const Scalar& operand) {
    if (operand.type == Type::kReal && operation == Operator::kMinus) {
      return Scalar::of(-operand.real);
    }
    if (operand.type != Type::kInteger) return {};
    const auto bits = static_cast<std::uint64_t>(operand.integer);
    switch (operation) {
      case Operator::kNot: return Scalar::of(std::int64_t{operand.integer == 0});
      case Operator::kComplement: return Scalar::of(~operand.integer);
      default: return Scalar::of(static_cast<std::int64_t>(-bits));
    }
  }

  [[nodiscard]] Scalar binary(const Node& node) const {
    const Node &first = operand(node, 0), &second = operand(node, 1);
    const Text* left_pattern = pattern(first);
    if (const Text* text = left_pattern != nullptr ? left_pattern : pattern(second)) {
      const Scalar other = value(left_pattern != nullptr ? second : first);
      if (other.type != Type::kText) return {};
      return Scalar::of(
          std::int64_t{is_like(other.text, *text) == (node.operation == Operator::kEqual)});
    }
    const Scalar left = value(first);
    if (left.type == Type::kMissing) return {};
    const Scalar right = value(second);
    if (right.type == Type::kMissing) return {};
    if (left.type == Type::kText || right.type == Type::kText) {
      if (left.type != right.type) return {};
      return compare(node.operation, left.text <=> right.text);
    }
    if (left.type == Type::kReal || right.type == Type::kReal) {
      return of_reals(node.operation, as_real(left), as_real(right));
    }
    return of_integers(node.operation, left.integer, right.integer);
  }

  static double as_real(const Scalar& scalar) {
    return scalar.type == Type::kReal ? scalar.real : static_cast<double>(scalar.integer);
  }

  static Scalar compare(Operator operation, std::partial_ordering order) {
    bool is_true = false;
    switch (operation) {
      case Operator::kLess: is_true = order < 0; break;
      case Operator::kLessOrEqual: is_true = order <= 0; break;
      case Operator::kGreater: is_true = order > 0; break;
      case Operator::kGreaterOrEqual: is_true = order >= 0; break;
      case Operator::kEqual: is_true = order == 0; break;
      case Operator::kNotEqual: is_true = order != 0; break;
      default: return {};
    }
    return Scalar::of(std::int64_t{is_true});
  }

  static Scalar of_reals(Operator operation, double left, double right) {
    switch (operation) {
      case Operator::kMultiply: return Scalar::of(left * right);
      case Operator::kDivide: return right == 0 ? Scalar{} : Scalar::of(left / right);
      case Operator::kAdd: return Scalar::of(left + right);
      case Operator::kSubtract: return Scalar::of(left - right);
      default: return compare(operation, left <=> right);
    }
  }

  static Scalar of_integers(Operator operation, std::int64_t left, std::int64_t right) {
    const auto a = static_cast<std::uint64_t>(left), b = static_cast<std::uint64_t>(right);
    const auto of = [](std::uint64_t bits) { return Scalar::of(static_cast<std::int64_t>(bits)); };
    switch (operation) {
      case Operator::kMultiply: return of(a * b);
      case Operator::kAdd: return of(a + b);
      case Operator::kSubtract: return of(a - b);
      // -1: the most negative number has no positive counterpart, and dividing it by that traps.
      case Operator::kDivide:
        if (right == 0) return {};
        return right == -1 ? of(-a) : Scalar::of(left / right);
      case Operator::kRemainder:
        if (right == 0) return {};
        return Scalar::of(right == -1 ? 0 : left % right);
      case Operator::kShiftLeft: return b > 63 ? Scalar{} : of(a << b);
      case Operator::kShiftRight: return b > 63 ? Scalar{} : of(a >> b);
      case Operator::kBitAnd: return of(a & b);
      case Operator::kBitXor: return of(a ^ b);
      case Operator::kBitOr: return of(a | b);
      default: return compare(operation, left <=> right);
    }
  }

  const Tree& tree_;
  const Record& record_;
};

}  // namespace

bool matches(const Tree& tree, const Record& record) {
  const Scalar result = Evaluation(tree, record).value(tree.root());
  return result.type == Type::kInteger && result.integer != 0;
}

Scalar evaluate_constant(const Tree& tree, const Node& operation) {
  class NoRecord final : public Record {
    [[nodiscard]] Scalar read(std::uint32_t) const override { return {}; }
  };
  return Evaluation(tree, NoRecord()).value(operation);
}

bool is_like(std::string_view text, const Text& pattern) {
  const std::string& first = pattern.pieces.front();
  const std::string& last = pattern.pieces.back();
  if (!pattern.is_pattern()) return text == first;
  if (text.size() < first.size() + last.size() || !text.starts_with(first) ||
      !text.ends_with(last)) {
    return false;
  }
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  // The leftmost place of each piece leaves the most room to those behind it.
  for (std::size_t i = 1; i + 1 < pattern.pieces.size(); ++i) {
    const std::size_t place = text.find(pattern.pieces[i]);
    if (place == std::string_view::npos) return false;
    text.remove_prefix(place + pattern.pieces[i].size());
  }
  return true;
}

}  // namespace sillage::filter
