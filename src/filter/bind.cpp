// SPDX-License-Identifier: MIT
#include "filter/bind.hpp"

#include "filter/evaluate.hpp"
#include "filter/lexer.hpp"

#include <algorithm>
#include <span>
#include <string>
#include <utility>

namespace sillage::filter {
namespace {

const char* name_of(Type type) {
  switch (type) {
    case Type::kInteger: return "an integer";
    case Type::kReal: return "a number with a fraction";
    case Type::kText: return "a text";
    default: return "something else";
  }
}

bool is_comparison(Operator operation) {
  return operation >= Operator::kLess && operation <= Operator::kNotEqual;
}

bool is_arithmetic(Operator operation) {
  return operation == Operator::kMultiply || operation == Operator::kDivide ||
         operation == Operator::kAdd || operation == Operator::kSubtract;
}

class Binder {
 public:
  Binder(const Tree& tree, const Schema& schema) : schema_(schema) { binding_.tree = tree; }

  Binding bind() {
    for (Node& node : binding_.tree.nodes) {
      node.type = type_of(&node);
      fold(&node);
    }
    Node& root = binding_.tree.nodes.back();
    if (!is_condition(root) || !find_outcomes().can_be_true) root.type = Type::kMissing;
    return std::move(binding_);
  }

 private:
  [[nodiscard]] const Node& operand(const Node& node, std::uint32_t which) const {
    return binding_.tree.nodes[binding_.tree.operands[node.first + which]];
  }

  // Operations of literals are done once: -7 is one.
  void fold(Node* node) const {
    if (node->kind != Node::Kind::kOperation || node->type == Type::kMissing) return;
    for (std::uint32_t i = 0; i < node->count; ++i) {
      const Node& each = operand(*node, i);
      if (each.type == Type::kMissing || each.kind == Node::Kind::kField ||
          each.kind == Node::Kind::kOperation)
        return;
    }
    const Scalar value = evaluate_constant(binding_.tree, *node);
    node->type = value.type;
    if (value.type == Type::kMissing) return;
    node->kind = value.type == Type::kReal ? Node::Kind::kReal : Node::Kind::kInteger;
    node->operation = Operator::kNone;
    node->count = 0;
    node->integer = value.integer;
    node->real = value.real;
  }

  // What a condition may come to be beside missing.
  struct Outcomes {
    bool can_be_true = false, can_be_false = false;
  };

  // Of the root: `a && b` with a missing operand is never true, but `!(a && b)` may be.
  [[nodiscard]] Outcomes find_outcomes() const {
    std::vector<Outcomes> outcomes;
    for (const Node& node : binding_.tree.nodes) {
      const bool is_there = node.type != Type::kMissing;
      Outcomes found{.can_be_true = is_there, .can_be_false = is_there};
      const bool is_and = node.operation == Operator::kAnd;
      if (is_there && (is_and || node.operation == Operator::kOr)) {
        found = {.can_be_true = is_and, .can_be_false = !is_and};
        for (std::uint32_t i = 0; i < node.count; ++i) {
          const Outcomes& each = outcomes[binding_.tree.operands[node.first + i]];
          if (is_and) {
            found.can_be_true = found.can_be_true && each.can_be_true;
            found.can_be_false = found.can_be_false || each.can_be_false;
          } else {
            found.can_be_true = found.can_be_true || each.can_be_true;
            found.can_be_false = found.can_be_false && each.can_be_false;
          }
        }
      } else if (is_there && node.operation == Operator::kEither) {
        found = {};
        for (std::uint32_t i = 0; i < node.count; ++i) {
          const Outcomes& each = outcomes[binding_.tree.operands[node.first + i]];
          found.can_be_true = found.can_be_true || each.can_be_true;
          found.can_be_false = found.can_be_false || each.can_be_false;
        }
      } else if (is_there && node.operation == Operator::kNot) {
        const Outcomes& each = outcomes[binding_.tree.operands[node.first]];
        found = {.can_be_true = each.can_be_false, .can_be_false = each.can_be_true};
      }
      outcomes.push_back(found);
    }
    return outcomes.back();
  }

  Type mismatch(const Node& node, std::string message) {
    if (!binding_.mismatch) {
      binding_.mismatch = fail_at(node.column, std::move(message)).value();
    }
    return Type::kMissing;
  }

  // Says so if it is known not to be.
  bool is_condition(const Node& node) {
    if (node.type == Type::kReal) {
      mismatch(node,
               "a number with a fraction is neither true nor false: compare it, as in d != 0.0");
    } else if (node.type == Type::kText) {
      mismatch(node, "a text is neither true nor false: compare it, as in name == \"a*\"");
    }
    return node.type != Type::kReal && node.type != Type::kText;
  }

  Type bind_field(Node* node) {
    const auto slot = schema_.find(binding_.tree.fields[node->index]);
    if (!slot) {
      if (std::ranges::find(binding_.missing, node->index) == binding_.missing.end()) {
        binding_.missing.push_back(node->index);
      }
      return Type::kMissing;
    }
    node->index = slot->index;
    return slot->type;
  }

  Type type_of(Node* node) {
    switch (node->kind) {
      case Node::Kind::kInteger: return Type::kInteger;
      case Node::Kind::kReal: return Type::kReal;
      case Node::Kind::kText: return Type::kText;
      case Node::Kind::kField: return bind_field(node);
      case Node::Kind::kOperation: break;
    }
    if (node->operation == Operator::kAnd || node->operation == Operator::kOr ||
        node->operation == Operator::kEither) {
      return type_of_chain(*node);
    }
    for (std::uint32_t i = 0; i < node->count; ++i) {
      if (operand(*node, i).type == Type::kMissing) return Type::kMissing;
    }
    return node->count == 1 ? type_of_unary(*node) : type_of_binary(*node);
  }

  // One missing operand leaves the others: only a chain of nothing else is missing.
  Type type_of_chain(const Node& node) {
    bool has_operand = false;
    for (std::uint32_t i = 0; i < node.count; ++i) {
      Node& each = binding_.tree.nodes[binding_.tree.operands[node.first + i]];
      if (!is_condition(each)) each.type = Type::kMissing;
      has_operand = has_operand || each.type != Type::kMissing;
    }
    return has_operand ? Type::kInteger : Type::kMissing;
  }

  Type type_of_unary(const Node& node) {
    const Type type = operand(node, 0).type;
    if (node.operation == Operator::kNot) {
      return is_condition(operand(node, 0)) ? Type::kInteger : Type::kMissing;
    }
    if (node.operation == Operator::kIsOneOf)
      return type == Type::kInteger ? type : mismatch(node, "a set is of integers");
    if (type == Type::kText || (type == Type::kReal && node.operation == Operator::kComplement)) {
      return mismatch(node, std::string(node.operation == Operator::kMinus ? "-" : "~") +
                                " cannot be done with " + name_of(type));
    }
    return type;
  }

  Type type_of_binary(const Node& node) {
    const Type left = operand(node, 0).type, right = operand(node, 1).type;
    const bool has_text = left == Type::kText || right == Type::kText;
    if (is_comparison(node.operation)) return type_of_comparison(node, left, right);
    if (has_text)
      return mismatch(node, "nothing can be computed with a text: compare it with == or !=");
    const bool has_real = left == Type::kReal || right == Type::kReal;
    if (!is_arithmetic(node.operation)) {
      if (!has_real) return Type::kInteger;
      return mismatch(node,
                      "bits, shifts and remainders are of integers, not of a number with a "
                      "fraction");
    }
    if (has_real) return Type::kReal;
    const bool is_known = left != Type::kUnknown && right != Type::kUnknown;
    return is_known ? Type::kInteger : Type::kUnknown;
  }

  Type type_of_comparison(const Node& node, Type left, Type right) {
    const bool has_text = left == Type::kText || right == Type::kText;
    const bool has_other = (left != Type::kText && left != Type::kUnknown) ||
                           (right != Type::kText && right != Type::kUnknown);
    if (has_text && has_other) {
      return mismatch(node, std::string(name_of(left)) + " and " + name_of(right) +
                                " cannot be compared: text stands in quotes, numbers do not");
    }
    const auto is_pattern = [&](std::uint32_t which) {
      const Node& each = operand(node, which);
      return each.kind == Node::Kind::kText && binding_.tree.texts[each.index].is_pattern();
    };
    const int patterns = int{is_pattern(0)} + int{is_pattern(1)};
    if (patterns == 2)
      return mismatch(node, "two patterns cannot be compared: write \\* for a star");
    if (patterns == 1 && node.operation != Operator::kEqual &&
        node.operation != Operator::kNotEqual) {
      return mismatch(node, "a pattern has no order: use == or !=, or write \\* for a star");
    }
    return Type::kInteger;
  }

  const Schema& schema_;
  Binding binding_;
};

}  // namespace

Binding bind(const Tree& tree, const Schema& schema) { return Binder(tree, schema).bind(); }

}  // namespace sillage::filter
