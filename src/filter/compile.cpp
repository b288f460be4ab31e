// SPDX-License-Identifier: MIT
#include "filter/compile.hpp"

#include "filter/lexer.hpp"
#include "filter/real_ranges.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sillage::filter {
namespace {

using bpf::Alu;
using bpf::If;
using bpf::Label;
using bpf::Size;
using enum bpf::Reg;

constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;
constexpr std::size_t kMaxPattern = 63;  // bits of a state, without that of the beginning

bool is_comparison(Operator operation) {
  return operation >= Operator::kLess && operation <= Operator::kNotEqual;
}

bool fits_constant(std::int64_t value) {
  return value >= std::numeric_limits<std::int32_t>::min() &&
         value <= std::numeric_limits<std::int32_t>::max();
}

// The comparison with its sides exchanged.
Operator mirrored(Operator operation) {
  switch (operation) {
    case Operator::kLess: return Operator::kGreater;
    case Operator::kLessOrEqual: return Operator::kGreaterOrEqual;
    case Operator::kGreater: return Operator::kLess;
    case Operator::kGreaterOrEqual: return Operator::kLessOrEqual;
    default: return operation;
  }
}

If signed_condition(Operator operation) {
  switch (operation) {
    case Operator::kLess: return If::kLess;
    case Operator::kLessOrEqual: return If::kLessOrEqual;
    case Operator::kGreater: return If::kGreater;
    case Operator::kGreaterOrEqual: return If::kGreaterOrEqual;
    case Operator::kEqual: return If::kEqual;
    default: return If::kNotEqual;
  }
}

bool same(Label left, Label right) { return left.index == right.index; }

bool is_text_field(const Node& node) {
  return node.kind == Node::Kind::kField && node.type == Type::kText;
}

class Compiler {
 public:
  Compiler(const Tree& tree, FieldCode& fields, const CompileOptions& options,
           bpf::Assembler& assembler)
      : tree_(tree), fields_(fields), options_(options), helpers_(options.helpers), a_(assembler) {}

  Status compile(Label match, Label no_match) {
    if (helpers_ == nullptr) SILLAGE_TRY(check_compilable(tree_));
    condition(tree_.root(), match, no_match, no_match);
    return std::move(status_);
  }

 private:
  [[nodiscard]] const Node& operand(const Node& node, std::uint32_t which) const {
    return tree_.nodes[tree_.operands[node.first + which]];
  }
  [[nodiscard]] const Text& text_of(const Node& node) const { return tree_.texts[node.index]; }

  // A temporary of 8 bytes.
  std::int32_t push(const Node& node) {
    depth_ += 8;
    if (depth_ <= options_.stack_bytes)
      return options_.stack_top - static_cast<std::int32_t>(depth_);
    if (status_)
      status_ = fail(Code::kLimit, "the filter is too deeply nested: make it simpler",
                     "column " + std::to_string(node.column));
    return options_.stack_top - 8;
  }
  void pop() { depth_ -= 8; }

  // Whether it may turn out to have no value.
  [[nodiscard]] bool can_be_missing(const Node& node) const {
    if (node.type == Type::kMissing) return true;
    if (node.kind == Node::Kind::kField) return fields_.can_be_missing(node.index);
    if (node.kind != Node::Kind::kOperation) return false;
    switch (node.operation) {
      case Operator::kDivide:
      case Operator::kRemainder:
      case Operator::kShiftLeft:
      case Operator::kShiftRight: return true;
      default: break;
    }
    for (std::uint32_t i = 0; i < node.count; ++i)
      if (can_be_missing(operand(node, i))) return true;
    return false;
  }

  // What is known now is written as a test all the same: the verifier refuses instructions that nothing leads to,
  // and drops those that its own look at the values never comes to.
  void decided(bool is_true, Label yes, Label no) {
    a_.move(r1, std::uint64_t{is_true});
    a_.jump_if(If::kNotEqual, r1, 0, yes);
    a_.jump(no);
  }
  void decided_missing(Label missing) {
    a_.move(r1, 2u);
    a_.jump_if(If::kEqual, r1, 2, missing);
  }

  // Goes to one of the three labels.
  void condition(const Node& node, Label yes, Label no, Label missing) {
    if (node.type == Type::kMissing) {
      decided_missing(missing);
      return decided(false, yes, no);
    }
    if (node.kind == Node::Kind::kInteger) return decided(node.integer != 0, yes, no);
    if (node.kind == Node::Kind::kOperation) {
      if (node.operation == Operator::kAnd || node.operation == Operator::kOr)
        return chain(node, yes, no, missing);
      if (node.operation == Operator::kNot) return condition(operand(node, 0), no, yes, missing);
      if (is_comparison(node.operation)) return comparison(node, yes, no, missing);
      if (node.operation == Operator::kEither) return either(node, yes, no, missing);
      if (node.operation == Operator::kIsOneOf) return membership(node, yes, no, missing);
    }
    value(node, missing);
    a_.jump_if(If::kNotEqual, r1, 0, yes);
    a_.jump(no);
  }

  // The first operand that decides ends it; a missing one leaves the decision to the others.
  void chain(const Node& node, Label yes, Label no, Label missing) {
    const bool is_or = node.operation == Operator::kOr;
    const Label decides = is_or ? yes : no, last = is_or ? no : yes;
    // Where missing leads to where one of the others does, that one need not be told from it.
    const bool remembers = !same(missing, decides) && !same(missing, last) && can_be_missing(node);
    const std::int32_t flag = remembers ? push(node) : 0;
    if (remembers) a_.store(Size::k8, r10, flag, 0);
    for (std::uint32_t i = 0; i < node.count; ++i) {
      const Node& each = operand(node, i);
      const Label next = a_.label();
      const bool marks = remembers && can_be_missing(each);
      const Label if_missing = marks ? a_.label() : same(missing, decides) ? missing : next;
      condition(each, is_or ? yes : next, is_or ? next : no, if_missing);
      if (marks) {
        a_.bind(if_missing);
        a_.store(Size::k8, r10, flag, 1);
      }
      a_.bind(next);
    }
    if (remembers) {
      a_.load(Size::k8, r1, r10, flag);
      a_.jump_if(If::kNotEqual, r1, 0, missing);
      pop();
    }
    a_.jump(last);
  }

  // The first operand that is not missing decides.
  void either(const Node& node, Label yes, Label no, Label missing) {
    for (std::uint32_t i = 0; i < node.count; ++i) {
      if (operand(node, i).type == Type::kMissing) continue;
      const Label next = a_.label();
      condition(operand(node, i), yes, no, next);
      a_.bind(next);
    }
    decided_missing(missing);
    decided(false, yes, no);  // nobody comes here
  }

  void comparison(const Node& node, Label yes, Label no, Label missing) {
    const Node &left = operand(node, 0), &right = operand(node, 1);
    if (left.type == Type::kText) return text_comparison(node, yes, no, missing);
    if (left.type == Type::kReal || right.type == Type::kReal) {
      if (helpers_ == nullptr) return compare_ranges(node, yes, no, missing);
      compute_real(node, missing);
      a_.jump_if(If::kNotEqual, r1, 0, yes);
      return a_.jump(no);
    }
    if (left.kind == Node::Kind::kInteger && right.kind != Node::Kind::kInteger) {
      value(right, missing);
      compare_constant(mirrored(node.operation), left.integer, yes);
    } else if (right.kind == Node::Kind::kInteger) {
      value(left, missing);
      compare_constant(node.operation, right.integer, yes);
    } else {
      both(node, missing);
      a_.jump_if(signed_condition(node.operation), r1, r2, yes);
    }
    a_.jump(no);
  }

  // A comparison of numbers with a fraction, where there are integers alone.
  void compare_ranges(const Node& node, Label yes, Label no, Label missing) {
    const auto comparison = find_real_ranges(tree_, node);
    if (!comparison) {
      if (status_) status_ = tl::unexpected(comparison.error());
      return;
    }
    value(*comparison->integer, missing);
    a_.move(r2, 0u);
    for (const Label each : {yes, no, missing})  // as in decided()
      a_.jump_if(If::kNotEqual, r2, 0, each);
    const auto label_of = [&](RealRange::Outcome outcome) {
      return outcome == RealRange::Outcome::kTrue    ? yes
             : outcome == RealRange::Outcome::kFalse ? no
                                                     : missing;
    };
    for (const RealRange& range : comparison->ranges) {
      if (range.last == std::numeric_limits<std::int64_t>::max()) {
        a_.jump(label_of(range.outcome));
      } else {
        compare_constant(Operator::kLessOrEqual, range.last, label_of(range.outcome));
      }
    }
  }

  void membership(const Node& node, Label yes, Label no, Label missing) {
    const std::vector<std::int64_t>& values = *tree_.sets[node.index];
    value(operand(node, 0), missing);
    if (values.empty()) return decided(false, yes, no);
    if (values.size() <= FieldCode::kFewValues) {
      for (const std::int64_t each : values) compare_constant(Operator::kEqual, each, yes);
      return a_.jump(no);
    }
    if (Status looked = fields_.look_up(values); !looked && status_) status_ = std::move(looked);
    a_.jump_if(If::kNotEqual, r0, 0, yes);
    a_.jump(no);
  }

  void compare_constant(Operator operation, std::int64_t constant, Label yes) {
    const If condition = signed_condition(operation);
    if (fits_constant(constant)) {
      a_.jump_if(condition, r1, static_cast<std::int32_t>(constant), yes);
    } else {
      a_.move(r2, static_cast<std::uint64_t>(constant));
      a_.jump_if(condition, r1, r2, yes);
    }
  }

  // r1, r2 = the operands.
  void both(const Node& node, Label missing) {
    value(operand(node, 0), missing);
    const Node& right = operand(node, 1);
    if (right.kind == Node::Kind::kInteger) {
      a_.move(r2, static_cast<std::uint64_t>(right.integer));
      return;
    }
    const std::int32_t slot = push(node);
    a_.store(Size::k8, r10, slot, r1);
    value(right, missing);
    a_.move(r2, r1);
    a_.load(Size::k8, r1, r10, slot);
    pop();
  }

  // r1 = the integer; goes to `missing` if there is none.
  void value(const Node& node, Label missing) {
    if (node.type == Type::kMissing) {
      decided_missing(missing);
      return;
    }
    if (node.kind == Node::Kind::kInteger)
      return a_.move(r1, static_cast<std::uint64_t>(node.integer));
    if (node.kind == Node::Kind::kField) {
      check_present(node, missing);
      return fields_.load_integer(node.index);
    }
    switch (node.operation) {
      case Operator::kComplement:
        value(operand(node, 0), missing);
        a_.alu(Alu::kXor, r1, -1);
        return;
      case Operator::kMinus:
        value(operand(node, 0), missing);
        a_.alu(Alu::kXor, r1, -1);
        a_.alu(Alu::kAdd, r1, 1);
        return;
      case Operator::kMultiply: return arithmetic(node, Alu::kMultiply, missing);
      case Operator::kAdd: return arithmetic(node, Alu::kAdd, missing);
      case Operator::kSubtract: return arithmetic(node, Alu::kSubtract, missing);
      case Operator::kBitAnd: return arithmetic(node, Alu::kAnd, missing);
      case Operator::kBitXor: return arithmetic(node, Alu::kXor, missing);
      case Operator::kBitOr: return arithmetic(node, Alu::kOr, missing);
      case Operator::kShiftLeft: return shift(node, Alu::kShiftLeft, missing);
      case Operator::kShiftRight: return shift(node, Alu::kShiftRight, missing);
      case Operator::kDivide: return division(node, Alu::kDivide, missing);
      case Operator::kRemainder: return division(node, Alu::kRemainder, missing);
      default: return truth(node, missing);
    }
  }

  void check_present(const Node& field, Label missing) {
    if (can_be_missing(field)) fields_.check_present(field.index, missing);
  }

  // r1 = the number with a fraction, of any number; goes to `missing` if there is none.
  void real(const Node& node, Label missing) {
    if (node.type == Type::kInteger) {
      value(node, missing);
      return helpers_->make_real();
    }
    if (node.kind == Node::Kind::kReal) {
      return a_.move(r1, std::bit_cast<std::uint64_t>(node.real));
    }
    if (node.kind == Node::Kind::kField) {
      check_present(node, missing);
      return helpers_->load_real(node.index);
    }
    if (node.operation != Operator::kMinus) return compute_real(node, missing);
    real(operand(node, 0), missing);
    a_.move(r2, kSignBit);
    a_.alu(Alu::kXor, r1, r2);
  }

  // r1 = the result of two operands of which one has a fraction.
  void compute_real(const Node& node, Label missing) {
    const std::int32_t slot = push(node);
    real(operand(node, 0), missing);
    a_.store(Size::k8, r10, slot, r1);
    real(operand(node, 1), missing);
    pop();
    if (node.operation == Operator::kDivide) {
      a_.move(r2, r1);
      a_.alu(Alu::kShiftLeft, r2, 1);  // without the sign: -0.0 divides as little as 0.0
      a_.jump_if(If::kEqual, r2, 0, missing);
    }
    a_.move(r2, r1);
    a_.load(Size::k8, r1, r10, slot);
    helpers_->compute_real(node.operation);
  }

  // r1 = 1 or 0.
  void truth(const Node& node, Label missing) {
    const Label yes = a_.label(), no = a_.label(), done = a_.label();
    condition(node, yes, no, missing);
    a_.bind(yes);
    a_.move(r1, 1u);
    a_.jump(done);
    a_.bind(no);
    a_.move(r1, 0u);
    a_.bind(done);
  }

  void arithmetic(const Node& node, Alu operation, Label missing) {
    both(node, missing);
    a_.alu(operation, r1, r2);
  }

  void shift(const Node& node, Alu operation, Label missing) {
    both(node, missing);
    a_.jump_if(If::kAbove, r2, 63, missing);
    a_.alu(operation, r1, r2);
  }

  // Signed division is the unsigned one of the magnitudes: instructions for it are newer than Linux 6.5.
  void division(const Node& node, Alu operation, Label missing) {
    both(node, missing);
    a_.jump_if(If::kEqual, r2, 0, missing);
    a_.move(r3, r1);  // whose sign the result has
    if (operation == Alu::kDivide) a_.alu(Alu::kXor, r3, r2);
    a_.alu(Alu::kShiftRightSigned, r3, 63);
    magnitude(r1);
    magnitude(r2);
    a_.alu(operation, r1, r2);
    a_.alu(Alu::kXor, r1, r3);
    a_.alu(Alu::kSubtract, r1, r3);
  }
  void magnitude(bpf::Reg reg) {
    a_.move(r4, reg);
    a_.alu(Alu::kShiftRightSigned, r4, 63);
    a_.alu(Alu::kXor, reg, r4);
    a_.alu(Alu::kSubtract, reg, r4);
  }

  void text_comparison(const Node& node, Label yes, Label no, Label missing) {
    const Node &left = operand(node, 0), &right = operand(node, 1);
    const bool left_is_field = is_text_field(left), right_is_field = is_text_field(right);
    if (left_is_field) check_present(left, missing);
    if (right_is_field) check_present(right, missing);
    if (helpers_ != nullptr) return call_text_helper(node, yes, no);
    if (left_is_field && right_is_field) return compare_fields(node, yes, no);
    const Node& field = left_is_field ? left : right;
    const Text& text = text_of(left_is_field ? right : left);
    fields_.load_text(field.index, 0);
    const Operator operation = left_is_field ? node.operation : mirrored(node.operation);
    if (operation == Operator::kEqual) return match_text(text, yes, no);
    if (operation == Operator::kNotEqual) return match_text(text, no, yes);
    order_text(operation, text.pieces.front(), yes, no);
  }

  void call_text_helper(const Node& node, Label yes, Label no) {
    const Node &left = operand(node, 0), &right = operand(node, 1);
    Operator operation = node.operation;
    if (is_text_field(left) && is_text_field(right)) {
      helpers_->order_fields(left.index, right.index);
    } else {
      const bool left_is_field = is_text_field(left);
      const std::uint32_t field = left_is_field ? left.index : right.index;
      const Text& text = text_of(left_is_field ? right : left);
      if (text.is_pattern()) {
        helpers_->match_field(field, text);
        a_.jump_if(operation == Operator::kEqual ? If::kNotEqual : If::kEqual, r0, 0, yes);
        return a_.jump(no);
      }
      helpers_->order_field(field, text.pieces.front());
      if (!left_is_field) operation = mirrored(operation);
    }
    a_.jump_if(signed_condition(operation), r0, 0, yes);
    a_.jump(no);
  }

  void match_text(const Text& text, Label yes, Label no) {
    const std::string& first = text.pieces.front();
    // A text without star is followed by its end.
    const std::string begin = text.is_pattern() ? first : first + '\0';
    if (begin.size() > options_.text_bytes || first.size() >= options_.text_bytes)
      return decided(false, yes, no);
    match_bytes(begin, no);
    if (text.is_pattern() && (text.pieces.size() > 2 || !text.pieces.back().empty())) {
      match_rest(text);
      a_.jump_if(If::kEqual, r1, 0, no);
    }
    a_.jump(yes);
  }

  // Goes to `no` unless the text begins with these.
  void match_bytes(std::string_view bytes, Label no) {
    if (bytes.empty()) {
      a_.move(r1, 0u);
      a_.jump_if(If::kNotEqual, r1, 0, no);
      return;
    }
    for (std::size_t at = 0; at < bytes.size();) {
      std::size_t step = 8;
      while (step > bytes.size() - at || at % step != 0) step /= 2;
      std::uint64_t wanted = 0;
      load_literal(bytes.substr(at, step), &wanted);
      a_.load(bpf::size_of_bytes(static_cast<std::uint32_t>(step)), r1, r9,
              static_cast<std::int32_t>(at));
      a_.move(r2, wanted);
      a_.jump_if(If::kNotEqual, r1, r2, no);
      at += step;
    }
  }

  // As a load of so many bytes has them.
  static void load_literal(std::string_view bytes, std::uint64_t* value) {
    switch (bytes.size()) {
      case 1: *value = static_cast<unsigned char>(bytes[0]); return;
      case 2: {
        std::uint16_t half = 0;
        std::memcpy(&half, bytes.data(), 2);
        *value = half;
        return;
      }
      case 4: {
        std::uint32_t word = 0;
        std::memcpy(&word, bytes.data(), 4);
        *value = word;
        return;
      }
      default: std::memcpy(value, bytes.data(), 8);
    }
  }

  // r1 = whether what stands behind the first piece matches. Bit N of the state: N characters of the pieces
  // behind it are matched; r5 = state, r0 = place in the text.
  void match_rest(const Text& text) {
    std::uint64_t stays = 0;  // bits where a star takes any character
    std::map<unsigned char, std::uint64_t> moves;
    std::size_t count = 0;
    for (std::size_t i = 1; i < text.pieces.size(); ++i) {
      stays |= std::uint64_t{1} << count;
      for (const char each : text.pieces[i])
        moves[static_cast<unsigned char>(each)] |= std::uint64_t{1} << count++;
    }
    const Label again = a_.label(), end = a_.label();
    a_.move(r0, std::uint64_t{text.pieces.front().size()});
    a_.move(r5, 1u);
    a_.bind(again);
    a_.move(r1, r9);
    a_.alu(Alu::kAdd, r1, r0);
    a_.load(Size::k1, r2, r1, 0);
    a_.jump_if(If::kEqual, r2, 0, end);
    a_.move(r4, 0u);
    for (const auto& [character, mask] : moves) {
      a_.move(r3, r2);
      a_.alu(Alu::kXor, r3, static_cast<std::int32_t>(character));
      a_.alu(Alu::kSubtract, r3, 1);
      a_.alu(Alu::kShiftRight, r3, 63);  // 1 if it is that character
      // Not 0 or -1 and an and: with those the verifier looks at both ways on (Linux 6.18), for each character.
      a_.move(r1, mask);
      a_.alu(Alu::kMultiply, r3, r1);
      a_.alu(Alu::kOr, r4, r3);
    }
    a_.alu(Alu::kAnd, r4, r5);
    a_.alu(Alu::kShiftLeft, r4, 1);
    a_.move(r1, stays);
    a_.alu(Alu::kAnd, r5, r1);
    a_.alu(Alu::kOr, r5, r4);
    a_.alu(Alu::kAdd, r0, 1);
    a_.jump_if(If::kBelow, r0, static_cast<std::int32_t>(options_.text_bytes), again);
    a_.bind(end);
    a_.move(r1, r5);
    a_.alu(Alu::kShiftRight, r1, static_cast<std::int32_t>(count));
    a_.alu(Alu::kAnd, r1, 1);
  }

  void order_text(Operator operation, std::string_view literal, Label yes, Label no) {
    const Label differ = a_.label();
    const std::size_t last = std::min<std::size_t>(literal.size(), options_.text_bytes - 1);
    for (std::size_t at = 0; at <= last; ++at) {
      const auto wanted =
          at < literal.size() ? static_cast<unsigned char>(literal[at]) : std::uint8_t{0};
      a_.load(Size::k1, r1, r9, static_cast<std::int32_t>(at));
      a_.move(r2, std::uint64_t{wanted});
      a_.jump_if(If::kNotEqual, r1, r2, differ);
    }
    a_.bind(differ);
    order(operation, yes, no);
  }

  // Of bytes in r1 and r2: no sign has a part in it.
  void order(Operator operation, Label yes, Label no) {
    a_.jump_if(signed_condition(operation), r1, r2, yes);
    a_.jump(no);
  }

  void compare_fields(const Node& node, Label yes, Label no) {
    const auto second = static_cast<std::int32_t>(options_.text_bytes);
    fields_.load_text(operand(node, 0).index, 0);
    fields_.load_text(operand(node, 1).index, second);
    const Label again = a_.label(), found = a_.label();
    a_.move(r8, 0u);
    a_.bind(again);
    a_.move(r3, r9);
    a_.alu(Alu::kAdd, r3, r8);
    a_.load(Size::k1, r1, r3, 0);
    a_.load(Size::k1, r2, r3, second);
    // One way out for both ends, a difference and a NUL: the verifier keeps each to look at later.
    a_.move(r4, r1);
    a_.alu(Alu::kSubtract, r4, 1);
    a_.alu(Alu::kShiftRight, r4, 63);
    a_.move(r5, r1);
    a_.alu(Alu::kXor, r5, r2);
    a_.alu(Alu::kOr, r4, r5);
    a_.jump_if(If::kNotEqual, r4, 0, found);
    a_.alu(Alu::kAdd, r8, 1);
    a_.jump_if(If::kBelow, r8, second, again);
    a_.bind(found);
    order(node.operation, yes, no);
  }

  const Tree& tree_;
  FieldCode& fields_;
  const CompileOptions& options_;
  HelperCode* const helpers_;
  bpf::Assembler& a_;
  std::uint32_t depth_ = 0;
  Status status_;
};

}  // namespace

Status FieldCode::look_up(const std::vector<std::int64_t>&) {
  return fail(Code::kUnsupported, "filters of programs have no sets");
}

TextNeeds text_needs(const Tree& tree) {
  TextNeeds needs;
  for (const Node& node : tree.nodes) {
    if (node.kind != Node::Kind::kOperation || node.type == Type::kMissing ||
        !is_comparison(node.operation))
      continue;
    std::uint32_t fields = 0;
    for (std::uint32_t i = 0; i < node.count; ++i)
      fields += is_text_field(tree.nodes[tree.operands[node.first + i]]) ? 1 : 0;
    needs.buffers = std::max(needs.buffers, fields);
  }
  return needs;
}

Status check_compilable(const Tree& tree) {
  for (const Node& node : tree.nodes) {
    if (node.kind == Node::Kind::kOperation && node.type != Type::kMissing &&
        is_comparison(node.operation)) {
      const auto type_of = [&](std::uint32_t which) {
        return tree.nodes[tree.operands[node.first + which]].type;
      };
      if (type_of(0) == Type::kReal || type_of(1) == Type::kReal)
        if (auto found = find_real_ranges(tree, node); !found)
          return tl::unexpected(std::move(found).error());
    }
    if (node.kind != Node::Kind::kText) continue;
    const Text& text = tree.texts[node.index];
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.pieces.size(); ++i) {
      if (text.pieces[i].find('\0') != std::string::npos)
        return fail_at(node.column, "no text of a kernel event has a NUL in it");
      count += i == 0 ? 0 : text.pieces[i].size();
    }
    if (count > kMaxPattern) {
      Error error = fail_at(node.column,
                            "a pattern of kernel events may have " + std::to_string(kMaxPattern) +
                                " characters behind its first star, not " + std::to_string(count))
                        .value();
      error.code = Code::kLimit;
      return tl::unexpected(std::move(error));
    }
  }
  return {};
}

Status compile(const Tree& tree, FieldCode& fields, const CompileOptions& options,
               bpf::Assembler& assembler, Label match, Label no_match) {
  return Compiler(tree, fields, options, assembler).compile(match, no_match);
}

}  // namespace sillage::filter
