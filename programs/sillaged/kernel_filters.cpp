// SPDX-License-Identifier: MIT
#include "sillaged/kernel_filters.hpp"

#include "filter/parser.hpp"
#include "kernel/filter_plan.hpp"

#include <utility>

namespace sillage::daemon {
namespace {

// All that the tree asks for, of processes that are in all sets alone.
void include(const session::InclusionSets& sets, filter::Tree* tree) {
  using filter::Operator;
  std::vector<std::uint32_t> all;
  if (!tree->nodes.empty()) all.push_back(static_cast<std::uint32_t>(tree->nodes.size() - 1));
  const auto add = [&](filter::Node node, const std::vector<std::uint32_t>& operands) {
    node.first = static_cast<std::uint32_t>(tree->operands.size());
    node.count = static_cast<std::uint32_t>(operands.size());
    tree->operands.insert(tree->operands.end(), operands.begin(), operands.end());
    tree->nodes.push_back(node);
    return static_cast<std::uint32_t>(tree->nodes.size() - 1);
  };
  for (std::size_t i = 0; i < sets.size(); ++i) {
    if (sets[i].policy() != session::InclusionSet::Policy::kListed) continue;
    filter::Node field, operation;
    field.kind = filter::Node::Kind::kField;
    field.index = static_cast<std::uint32_t>(tree->fields.size());
    const auto attribute = static_cast<session::ProcessAttribute>(i);
    tree->fields.push_back({.space = filter::FieldName::Space::kContext,
                            .path = {{.member = std::string(session::attribute_name(attribute))}}});
    operation.kind = filter::Node::Kind::kOperation;
    operation.operation = Operator::kIsOneOf;
    operation.index = static_cast<std::uint32_t>(tree->sets.size());
    std::vector<std::int64_t> values;
    for (const auto& [value, name] : sets[i].values()) values.push_back(value);
    tree->sets.push_back(std::make_shared<const std::vector<std::int64_t>>(std::move(values)));
    all.push_back(add(operation, {add(field, {})}));
  }
  if (all.size() < 2) return;
  filter::Node both;
  both.kind = filter::Node::Kind::kOperation;
  both.operation = Operator::kAnd;
  add(both, all);
}

}  // namespace

Result<KernelFilters> KernelFilters::parse(const session::KernelChannel& channel) {
  KernelFilters filters;
  for (const session::KernelRule& rule : channel.rules()) {
    if (rule.filter.empty() && !rule.included.sets) continue;
    filter::Tree tree;
    if (!rule.filter.empty()) {
      auto parsed = filter::parse(rule.filter);
      if (!parsed) return tl::unexpected(std::move(parsed).error());
      tree = std::move(*parsed);
    }
    if (rule.included.sets) include(*rule.included.sets, &tree);
    Filter& added = filters.filters_[&rule];
    added.lacking.resize(tree.fields.size());
    added.tree = std::move(tree);
  }
  return filters;
}

Result<bool> KernelFilters::apply(const std::vector<const session::KernelRule*>& rules,
                                  const kernel::Btf* btf, kernel::EventPlan* plan) {
  bool has_filter = false, takes_all = rules.empty();
  for (const session::KernelRule* rule : rules) {
    const auto found = filters_.find(rule);
    if (found == filters_.end()) {
      takes_all = true;
      continue;
    }
    has_filter = true;
    Filter& filter = found->second;
    const auto binding = kernel::add_filter(filter.tree, btf, plan);
    if (!binding) {
      Error error = binding.error();
      error.message = "the filter on " + plan->name + ": " + error.message;
      return tl::unexpected(std::move(error));
    }
    ++filter.events;
    for (const std::uint32_t field : binding->missing) ++filter.lacking[field];
  }
  if (takes_all) plan->filter = {};
  return takes_all || !has_filter || !plan->filter.any_of.empty();
}

Result<bool> KernelFilters::count(const std::vector<const session::KernelRule*>& rules,
                                  const kernel::Btf* btf, kernel::EventPlan* plan) {
  kernel::EventPlan one = *plan;
  if (!rules.empty() && rules.front()->included.sets) {
    filter::Tree tracked;
    include(*rules.front()->included.sets, &tracked);
    const auto binding = kernel::add_filter(tracked, btf, &one);
    if (!binding) return tl::unexpected(binding.error());
  }
  plan->counted = {one.filter};
  bool is_wanted = rules.empty();
  for (const session::KernelRule* rule : rules) {
    one.filter = {};
    const auto can_match = apply({rule}, btf, &one);
    if (!can_match) return tl::unexpected(can_match.error());
    plan->counted.push_back(*can_match ? std::optional(one.filter) : std::nullopt);
    is_wanted = is_wanted || *can_match;
  }
  return is_wanted;
}

Status KernelFilters::check_fields() const {
  for (const auto& [rule, filter] : filters_) {
    for (std::size_t i = 0; i < filter.lacking.size(); ++i) {
      // The same filter on several rules is one request's: each field is to be found somewhere.
      bool is_bound = false, is_found = false;
      for (const auto& [other_rule, other] : filters_) {
        if (other_rule->filter != rule->filter) continue;
        is_bound = is_bound || other.events != 0;
        is_found = is_found || other.lacking[i] != other.events;
      }
      if (!is_bound || is_found) continue;
      const filter::FieldName& field = filter.tree.fields[i];
      return fail(Code::kNotFound,
                  "no event that the filter is for has " + field.text() +
                      " as an integer or a text; `sillage list -k` shows the fields of events",
                  "column " + std::to_string(field.column));
    }
  }
  return {};
}

}  // namespace sillage::daemon
