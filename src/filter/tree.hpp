// SPDX-License-Identifier: MIT
// Filter expressions as a tree: what the parser makes, bind() types, and evaluate() or a compiler
// walks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sillage::filter {

/// What an expression's value is.
enum class Type : std::uint8_t {
  kUnknown,  ///< only a record tells: a field before bind(), or one whose type differs by record
  kInteger,  ///< 64 bits, two's complement; the result of comparisons (0 or 1), too
  kReal,     ///< binary64
  kText,     ///< bytes
  kMissing,  ///< there is no value, in any record
};

enum class Operator : std::uint8_t {
  kNone,
  // Of one operand.
  kNot,
  kComplement,
  kMinus,
  // Of two.
  kMultiply,
  kDivide,
  kRemainder,
  kAdd,
  kSubtract,
  kShiftLeft,
  kShiftRight,
  kBitAnd,
  kBitXor,
  kBitOr,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kEqual,
  kNotEqual,
  // Of two or more.
  kAnd,
  kOr,
  kEither,   ///< of two or more: the first that is not missing; no text has it
  kIsOneOf,  ///< of one operand: it is in one of `Tree::sets`; no text has it
};

/// Text with stars in it: what stands between them. One piece: plain text.
///
/// "a*b\*" is {"a", "b*"}, and "*" is {"", ""}.
struct Text {
  std::vector<std::string> pieces{};

  [[nodiscard]] bool is_pattern() const { return pieces.size() > 1; }
  bool operator==(const Text&) const = default;
};

/// One step from a structure to a member, or from an array to an element.
struct PathStep {
  std::string member{};  ///< "" = an element
  std::uint64_t index = 0;
  bool operator==(const PathStep&) const = default;
};

/// A field as an expression names it.
struct FieldName {
  enum class Space : std::uint8_t {
    kPayload,      ///< name
    kContext,      ///< $ctx.name
    kApplication,  ///< $app.provider:name
  };
  Space space = Space::kPayload;
  std::vector<PathStep> path{};  ///< never empty; the first is a member
  std::uint32_t column = 0;      ///< 1: the first byte of the expression
  /// kUnknown: whatever its type is. Otherwise the field where its value is of this type, and missing where not
  /// (by_type.hpp).
  Type only = Type::kUnknown;

  /// The name as it is written: "$ctx.vpid", "args[1].fd".
  [[nodiscard]] std::string text() const;
};

/// One operation or operand.
struct Node {
  enum class Kind : std::uint8_t { kInteger, kReal, kText, kField, kOperation };
  Kind kind = Kind::kInteger;
  Operator operation = Operator::kNone;
  Type type = Type::kUnknown;
  std::uint32_t column = 0;  ///< of the operand's or operator's first byte; 1 is the first
  /// Of an operation: its operands are so many of `Tree::operands`, from this one on.
  std::uint32_t first = 0, count = 0;
  /// Of a text: in `Tree::texts`. Of a field: in `Tree::fields`, and once bound its slot. Of kIsOneOf: in `Tree::sets`.
  std::uint32_t index = 0;
  std::int64_t integer = 0;
  double real = 0;
};

/// A whole expression. Operands stand in front of their operations, so the last node is the root.
struct Tree {
  std::vector<Node> nodes{};
  std::vector<std::uint32_t> operands{};  ///< places in `nodes`
  std::vector<FieldName> fields{};        ///< each name once
  std::vector<Text> texts{};
  std::vector<std::shared_ptr<const std::vector<std::int64_t>>> sets{};  ///< ascending numbers

  [[nodiscard]] const Node& root() const { return nodes.back(); }
};

/// Bounds on what an expression may be: text comes from other users, too.
///
/// kTextBytes is LTTng's bound on its byte code. kNesting bounds the recursion of all that walks a
/// tree; `a || b || c ...` is one level.
struct Limits {
  static constexpr std::size_t kTextBytes = 65'536;
  static constexpr std::uint32_t kNesting = 256;
};

}  // namespace sillage::filter
