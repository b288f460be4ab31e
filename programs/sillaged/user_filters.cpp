// SPDX-License-Identifier: MIT
#include "sillaged/user_filters.hpp"

#include "abi/app_protocol.h"
#include "apps/event_filter.hpp"
#include "ctf/layout.hpp"
#include "filter/by_type.hpp"
#include "filter/parser.hpp"
#include "session/nearest.hpp"

#include <algorithm>
#include <utility>

namespace sillage::daemon {
namespace {

constexpr std::size_t kLookBack = 64;

std::optional<std::uint32_t> find_context(std::string_view name) {
  for (std::uint32_t number = 1; number < SILLAGE_CONTEXT_END; ++number)
    if (ctf::context_name(number) == name) return number;
  return std::nullopt;
}
const apps::FindContext kFindContext = find_context;

std::string place_in(const std::string& text, const filter::FieldName& field) {
  return filter::place_text(text, field.column);
}

// Contexts do not depend on the event.
Status check_contexts(const std::string& text, const filter::Tree& tree) {
  using Space = filter::FieldName::Space;
  for (const filter::FieldName& field : tree.fields) {
    if (field.space == Space::kPayload) continue;
    // Which of them programs bring, and of what type, is known when they record.
    if (field.space == Space::kApplication) {
      if (field.path.size() == 1 && session::is_app_context(field.text())) continue;
      return fail(Code::kInvalidArgument,
                  field.text() + " is no context of an application: those are $app.PROVIDER:TYPE",
                  place_in(text, field));
    }
    const std::string& name = field.path.front().member;
    if (field.path.size() == 1 && find_context(name)) continue;
    std::vector<std::string> names;
    for (std::uint32_t number = 1; number < SILLAGE_CONTEXT_END; ++number)
      names.emplace_back(ctf::context_name(number));
    const auto near = session::nearest_names(name, names, 1);
    return fail(Code::kNotFound,
                "programs have no context " + field.text() +
                    (near.empty() ? "" : "; did you mean $ctx." + near.front() + "?"),
                place_in(text, field));
  }
  return {};
}

std::string reason_of(const filter::Tree& tree, const filter::Binding& binding) {
  if (binding.mismatch) return binding.mismatch->message;
  std::string names;
  for (const std::uint32_t field : binding.missing)
    names += (names.empty() ? "" : ", ") + tree.fields[field].text();
  return "no field " + names;
}

}  // namespace

std::set<std::string> application_contexts_of(const std::string& filter) {
  std::set<std::string> found;
  if (filter.find("$app") == std::string::npos) return found;
  const auto tree = filter::parse(filter);
  if (!tree) return found;
  for (const filter::FieldName& field : tree->fields)
    if (field.space == filter::FieldName::Space::kApplication) found.insert(field.text());
  return found;
}

void ImageFilters::move_to(apps::Attachment* attachment) && {
  if (programs.empty()) return;
  program_of.resize(attachment->ids.size());
  for (const auto& program : program_of) attachment->is_filtered.push_back(program.has_value());
  attachment->filters =
      std::make_shared<const std::vector<std::byte>>(apps::make_filter_table(program_of, programs));
}

Result<UserFilters> UserFilters::parse(const session::Channel& channel) {
  UserFilters filters;
  for (const session::EventRule& rule : channel.rules()) {
    if (rule.filter.empty() || filters.filters_.contains(rule.filter)) continue;
    auto tree = filter::parse(rule.filter);
    if (!tree) return tl::unexpected(std::move(tree).error());
    SILLAGE_TRY(check_contexts(rule.filter, *tree));
    if (auto split = filter::split_by_type(*tree); !split) {
      filter::add_line(rule.filter, &split.error());
      return tl::unexpected(std::move(split).error());
    }
    Filter& added = filters.filters_[rule.filter];
    added.lacking.resize(tree->fields.size());
    added.tree = std::move(*tree);
  }
  return filters;
}

Result<bool> UserFilters::apply(const std::vector<const session::EventRule*>& rules,
                                const apps::Site& site, std::size_t site_index,
                                ImageFilters* filters, std::vector<FilterMisfit>* misfits) const {
  std::vector<const filter::Tree*> any_of;
  bool takes_all = false;
  for (const session::EventRule* rule : rules) {
    const auto found = filters_.find(rule->filter);
    if (found == filters_.end()) {
      takes_all = true;
      continue;
    }
    const filter::Tree& tree = found->second.tree;
    const filter::Binding binding = apps::bind_filter(tree, site, kFindContext);
    if (binding.can_match()) {
      any_of.push_back(&tree);
    } else {
      misfits->push_back({rule->filter, reason_of(tree, binding)});
    }
  }
  if (takes_all || any_of.empty()) return takes_all;
  auto program = apps::make_filter_program(any_of, site, kFindContext);
  if (!program) {
    Error error = std::move(program).error();
    error.message = "the filter on " + site.full_name() + ": " + error.message;
    return tl::unexpected(std::move(error));
  }
  // Sites of one shape have one program. Looked for among the last ones: an image may have 65,536 shapes.
  auto& programs = filters->programs;
  const auto looked_at = static_cast<std::ptrdiff_t>(std::min(programs.size(), kLookBack));
  auto same = std::find(programs.end() - looked_at, programs.end(), *program);
  if (same == programs.end()) same = programs.insert(same, *std::move(program));
  filters->program_of.resize(std::max(filters->program_of.size(), site_index + 1));
  filters->program_of[site_index] = static_cast<std::size_t>(same - programs.begin());
  return true;
}

void UserFilters::preview(const std::vector<const session::EventRule*>& rules,
                          const apps::Site& site) {
  for (const session::EventRule* rule : rules) {
    const auto found = filters_.find(rule->filter);
    if (found == filters_.end()) continue;
    Filter& filter = found->second;
    const filter::Binding binding = apps::bind_filter(filter.tree, site, kFindContext);
    ++filter.seen;
    for (const std::uint32_t field : binding.missing) ++filter.lacking[field];
    if (!binding.mismatch) continue;
    ++filter.misfits;
    if (!filter.mismatch) filter.mismatch = binding.mismatch;
  }
}

Status UserFilters::check() const {
  for (const auto& [text, filter] : filters_) {
    if (filter.seen == 0) continue;
    for (std::size_t i = 0; i < filter.lacking.size(); ++i) {
      if (filter.lacking[i] != filter.seen) continue;
      const filter::FieldName& field = filter.tree.fields[i];
      return fail(Code::kNotFound,
                  "no event that the filter is for has a field " + field.text() +
                      "; `sillage list --fields` shows what they have",
                  place_in(text, field));
    }
    if (filter.misfits != filter.seen) continue;
    Error error = *filter.mismatch;
    filter::add_line(text, &error);
    return tl::unexpected(std::move(error));
  }
  return {};
}

}  // namespace sillage::daemon
