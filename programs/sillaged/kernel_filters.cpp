// SPDX-License-Identifier: MIT
#include "sillaged/kernel_filters.hpp"

#include "filter/parser.hpp"
#include "kernel/filter_plan.hpp"

#include <utility>

namespace sillage::daemon {

Result<KernelFilters> KernelFilters::parse(const session::KernelChannel& channel) {
  KernelFilters filters;
  for (const session::KernelRule& rule : channel.rules()) {
    if (rule.filter.empty()) continue;
    auto tree = filter::parse(rule.filter);
    if (!tree) return tl::unexpected(std::move(tree).error());
    Filter& added = filters.filters_[&rule];
    added.lacking.resize(tree->fields.size());
    added.tree = std::move(*tree);
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
