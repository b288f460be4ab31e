// SPDX-License-Identifier: MIT
#include "filter/by_type.hpp"

#include "filter/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace sillage::filter {
namespace {

constexpr std::array kTypes = {Type::kInteger, Type::kReal, Type::kText};

bool is_of_application(const FieldName& name) {
  return name.space == FieldName::Space::kApplication;
}

bool is_logical(const Node& node) {
  return node.kind == Node::Kind::kOperation &&
         (node.operation == Operator::kAnd || node.operation == Operator::kOr ||
          node.operation == Operator::kNot);
}

class Splitter {
 public:
  explicit Splitter(const Tree& from) : from_(from) {
    to_.fields = from.fields;
    to_.texts = from.texts;
    to_.sets = from.sets;
  }

  Result<Tree> split() {
    condition(static_cast<std::uint32_t>(from_.nodes.size() - 1));
    if (!status_) return tl::unexpected(std::move(status_).error());
    return std::move(to_);
  }

 private:
  // For each field, in `to_`, the one that stands for it.
  using Names = std::vector<std::uint32_t>;

  [[nodiscard]] std::uint32_t operand(const Node& node, std::uint32_t which) const {
    return from_.operands[node.first + which];
  }

  std::uint32_t add(Node node, const std::vector<std::uint32_t>& operands) {
    node.first = static_cast<std::uint32_t>(to_.operands.size());
    node.count = static_cast<std::uint32_t>(operands.size());
    to_.operands.insert(to_.operands.end(), operands.begin(), operands.end());
    to_.nodes.push_back(node);
    return static_cast<std::uint32_t>(to_.nodes.size() - 1);
  }

  // Appends what decides: operations of conditions as they are, the rest in its variants.
  std::uint32_t condition(std::uint32_t at) {
    const Node& node = from_.nodes[at];
    if (!is_logical(node)) return variants(at);
    std::vector<std::uint32_t> operands;
    for (std::uint32_t i = 0; i < node.count; ++i) operands.push_back(condition(operand(node, i)));
    return add(node, operands);
  }

  std::uint32_t variants(std::uint32_t at) {
    Names of_application;
    collect(at, &of_application);
    Names names(from_.fields.size());
    for (std::uint32_t i = 0; i < names.size(); ++i) names[i] = i;
    if (of_application.empty()) return copy(at, names);
    if (of_application.size() > kMaxApplicationFields) {
      if (status_) {
        Error error = fail_at(from_.nodes[at].column,
                              "a comparison of more than " + std::to_string(kMaxApplicationFields) +
                                  " contexts of applications: make it simpler")
                          .value();
        error.code = Code::kLimit;
        status_ = tl::unexpected(std::move(error));
      }
      return copy(at, names);
    }
    std::size_t count = 1;
    for (std::size_t i = 0; i < of_application.size(); ++i) count *= kTypes.size();
    std::vector<std::uint32_t> operands;
    for (std::size_t variant = 0; variant < count; ++variant) {
      std::size_t rest = variant;
      for (const std::uint32_t field : of_application) {
        names[field] = name_of(field, kTypes[rest % kTypes.size()]);
        rest /= kTypes.size();
      }
      operands.push_back(copy(at, names));
    }
    Node either;
    either.kind = Node::Kind::kOperation;
    either.operation = Operator::kEither;
    either.column = from_.nodes[at].column;
    return add(either, operands);
  }

  void collect(std::uint32_t at, Names* fields) const {
    const Node& node = from_.nodes[at];
    if (node.kind == Node::Kind::kField && is_of_application(from_.fields[node.index]) &&
        std::ranges::find(*fields, node.index) == fields->end())
      fields->push_back(node.index);
    for (std::uint32_t i = 0; i < node.count; ++i) collect(operand(node, i), fields);
  }

  // The field where it is of that type.
  std::uint32_t name_of(std::uint32_t field, Type type) {
    FieldName name = from_.fields[field];
    name.only = type;
    const auto same = std::ranges::find_if(to_.fields, [&](const FieldName& other) {
      return other.only == type && other.space == name.space && other.path == name.path;
    });
    if (same != to_.fields.end()) return static_cast<std::uint32_t>(same - to_.fields.begin());
    to_.fields.push_back(std::move(name));
    return static_cast<std::uint32_t>(to_.fields.size() - 1);
  }

  std::uint32_t copy(std::uint32_t at, const Names& names) {
    Node node = from_.nodes[at];
    std::vector<std::uint32_t> operands;
    for (std::uint32_t i = 0; i < node.count; ++i)
      operands.push_back(copy(operand(node, i), names));
    if (node.kind == Node::Kind::kField) node.index = names[node.index];
    return add(node, operands);
  }

  const Tree& from_;
  Tree to_;
  Status status_;
};

}  // namespace

bool has_application_fields(const Tree& tree) {
  return std::ranges::any_of(tree.fields, is_of_application);
}

Result<Tree> split_by_type(const Tree& tree) { return Splitter(tree).split(); }

}  // namespace sillage::filter
