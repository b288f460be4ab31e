// SPDX-License-Identifier: MIT
#include "filter/real_ranges.hpp"

#include "filter/lexer.hpp"

#include <cmath>
#include <compare>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace sillage::filter {
namespace {

using Outcome = RealRange::Outcome;
using Number = std::optional<double>;  // none: missing

// Where one of these holds for a number, operations on it and a constant rise or fall.
enum class Sign : std::uint8_t { kMissing, kNaN, kMinusInfinity, kMinus, kZero, kPlus, kInfinity };

Sign sign_of(const Number& number) {
  if (!number) return Sign::kMissing;
  if (std::isnan(*number)) return Sign::kNaN;
  if (std::isinf(*number)) return *number < 0 ? Sign::kMinusInfinity : Sign::kInfinity;
  return *number < 0 ? Sign::kMinus : *number == 0 ? Sign::kZero : Sign::kPlus;
}

enum class Order : std::uint8_t { kMissing, kUnordered, kLess, kEqual, kGreater };

Order order_of(const Number& left, const Number& right) {
  if (!left || !right) return Order::kMissing;
  const std::partial_ordering order = *left <=> *right;
  if (order == std::partial_ordering::unordered) return Order::kUnordered;
  return order < 0 ? Order::kLess : order > 0 ? Order::kGreater : Order::kEqual;
}

Outcome outcome_of(Operator operation, Order order) {
  if (order == Order::kMissing) return Outcome::kMissing;
  bool is_true = false;
  switch (operation) {
    case Operator::kLess: is_true = order == Order::kLess; break;
    case Operator::kLessOrEqual: is_true = order == Order::kLess || order == Order::kEqual; break;
    case Operator::kGreater: is_true = order == Order::kGreater; break;
    case Operator::kGreaterOrEqual:
      is_true = order == Order::kGreater || order == Order::kEqual;
      break;
    case Operator::kEqual: is_true = order == Order::kEqual; break;
    default: is_true = order != Order::kEqual;
  }
  return is_true ? Outcome::kTrue : Outcome::kFalse;
}

class Finder {
 public:
  Finder(const Tree& tree, const Node& comparison) : tree_(tree), comparison_(comparison) {}

  Result<RealComparison> find() {
    for (std::uint32_t i = 0; i < 2; ++i) SILLAGE_TRY(find_integer(operand(comparison_, i)));
    if (integer_ == nullptr) return refuse(comparison_);
    const Node* at = integer_;
    for (const Node* operation : operations_) {
      split([&](std::int64_t x) { return sign_of(value(*at, x)); });
      at = operation;
    }
    split([&](std::int64_t x) { return sign_of(value(*at, x)); });
    const auto order_at = [&](std::int64_t x) {
      return order_of(value(operand(comparison_, 0), x), value(operand(comparison_, 1), x));
    };
    split(order_at);
    RealComparison found{.integer = integer_, .ranges = {}};
    for (const std::int64_t last : lasts_) {
      const Outcome outcome = outcome_of(comparison_.operation, order_at(last));
      if (found.ranges.empty() || found.ranges.back().outcome != outcome)
        found.ranges.push_back({last, outcome});
      found.ranges.back().last = last;
    }
    if (found.ranges.size() <= kMaxRealRanges) return found;
    Error error =
        fail_at(comparison_.column, "the comparison changes its outcome too often").value();
    error.code = Code::kLimit;
    return tl::unexpected(std::move(error));
  }

 private:
  [[nodiscard]] const Node& operand(const Node& node, std::uint32_t which) const {
    return tree_.nodes[tree_.operands[node.first + which]];
  }

  static tl::unexpected<Error> refuse(const Node& node) {
    return fail_at(
        node.column,
        "filters of kernel events have numbers with a fraction only where one integer and "
        "constants are compared: multiply both sides until they are whole");
  }

  // The integer, and what is done with it on the way to the comparison: operations of constants alone are folded.
  Status find_integer(const Node& node) {
    if (node.kind == Node::Kind::kReal || node.kind == Node::Kind::kInteger) return {};
    if (node.type == Type::kInteger) {
      if (integer_ != nullptr) return refuse(node);
      integer_ = &node;
      return {};
    }
    if (node.kind != Node::Kind::kOperation) return refuse(node);
    for (std::uint32_t i = 0; i < node.count; ++i) SILLAGE_TRY(find_integer(operand(node, i)));
    operations_.push_back(&node);
    return {};
  }

  // Of the integer x.
  [[nodiscard]] Number value(const Node& node, std::int64_t x) const {
    if (&node == integer_) return static_cast<double>(x);
    if (node.kind == Node::Kind::kReal) return node.real;
    if (node.kind == Node::Kind::kInteger) return static_cast<double>(node.integer);
    const Number left = value(operand(node, 0), x);
    if (!left) return left;
    if (node.count == 1) return -*left;
    const Number right = value(operand(node, 1), x);
    if (!right) return right;
    switch (node.operation) {
      case Operator::kMultiply: return *left * *right;
      case Operator::kDivide: return *right == 0 ? Number() : Number(*left / *right);
      case Operator::kAdd: return *left + *right;
      default: return *left - *right;
    }
  }

  // Divides the ranges where a class changes, which does so in one direction within each.
  template <class Classify>
  void split(const Classify& classify) {
    std::vector<std::int64_t> lasts;
    std::int64_t first = std::numeric_limits<std::int64_t>::min();
    for (const std::int64_t end : lasts_) {
      for (;;) {
        const auto found = classify(first);
        std::int64_t last = end;
        if (classify(end) != found) {
          last = first;
          for (std::int64_t behind = end; behind - 1 != last;) {
            const std::int64_t middle = midpoint(last, behind);
            (classify(middle) == found ? last : behind) = middle;
          }
        }
        lasts.push_back(last);
        if (last != std::numeric_limits<std::int64_t>::max()) first = last + 1;
        if (last == end) break;
      }
    }
    lasts_ = std::move(lasts);
  }

  static std::int64_t midpoint(std::int64_t low, std::int64_t high) {
    const std::uint64_t distance =
        static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + distance / 2);
  }

  const Tree& tree_;
  const Node& comparison_;
  const Node* integer_ = nullptr;
  std::vector<const Node*> operations_;  // from the integer on
  std::vector<std::int64_t> lasts_{std::numeric_limits<std::int64_t>::max()};
};

}  // namespace

Result<RealComparison> find_real_ranges(const Tree& tree, const Node& comparison) {
  return Finder(tree, comparison).find();
}

}  // namespace sillage::filter
