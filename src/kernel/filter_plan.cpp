// SPDX-License-Identifier: MIT
#include "kernel/filter_plan.hpp"

#include "ctf/kernel_layout.hpp"
#include "filter/compile.hpp"
#include "kernel/contexts.hpp"
#include "kernel/filter_element.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace sillage::kernel {
namespace {

filter::Type type_of(const FieldPlan& field) {
  switch (field.kind) {
    case FieldPlan::Kind::kInteger: return filter::Type::kInteger;
    case FieldPlan::Kind::kRecordBytes:
      if (field.is_text) return filter::Type::kText;
      return field.is_array ? filter::Type::kMissing : filter::Type::kInteger;
    case FieldPlan::Kind::kMemory:
      return field.is_text ? filter::Type::kText : filter::Type::kMissing;
    case FieldPlan::Kind::kKernelString:
    case FieldPlan::Kind::kUserString:
    case FieldPlan::Kind::kRecordString: return filter::Type::kText;
    case FieldPlan::Kind::kRecordSequence:
      return field.element ? filter::Type::kInteger : filter::Type::kMissing;
    default: return filter::Type::kMissing;
  }
}

// Slots are places in `slots`.
class EventSchema final : public filter::Schema {
 public:
  EventSchema(const EventPlan& event, const Btf* btf, std::vector<FieldPlan>* slots)
      : event_(event), btf_(btf), slots_(slots) {}

  [[nodiscard]] std::optional<filter::Slot> find(const filter::FieldName& name) const override {
    const std::string& wanted = name.path.front().member;
    if (name.space == filter::FieldName::Space::kPayload && name.path.size() > 1) {
      const auto element = plan_element(event_, name.path);
      return element ? put(*element) : std::nullopt;
    }
    if (name.path.size() != 1) return std::nullopt;
    if (name.space == filter::FieldName::Space::kContext) return find_context(wanted);
    if (name.space != filter::FieldName::Space::kPayload) return std::nullopt;
    const auto found = std::ranges::find(event_.fields, wanted, &FieldPlan::name);
    return found == event_.fields.end() ? std::nullopt : put(*found);
  }

 private:
  [[nodiscard]] std::optional<filter::Slot> find_context(const std::string& name) const {
    const auto context = ctf::find_kernel_context(name);
    if (!context || btf_ == nullptr) return std::nullopt;
    const auto plan = plan_context(*context, *btf_);
    return plan ? put(*plan) : std::nullopt;
  }
  [[nodiscard]] std::optional<filter::Slot> put(const FieldPlan& field) const {
    const filter::Type type = type_of(field);
    if (type == filter::Type::kMissing) return std::nullopt;
    slots_->push_back(field);
    return filter::Slot{static_cast<std::uint32_t>(slots_->size() - 1), type};
  }

  const EventPlan& event_;
  const Btf* const btf_;
  std::vector<FieldPlan>* const slots_;
};

}  // namespace

Result<filter::Binding> add_filter(const filter::Tree& tree, const Btf* btf, EventPlan* plan) {
  filter::Binding binding = filter::bind(tree, EventSchema(*plan, btf, &plan->filter.fields));
  if (binding.mismatch) return tl::unexpected(*binding.mismatch);
  SILLAGE_TRY(filter::check_compilable(binding.tree));
  if (binding.can_match()) plan->filter.any_of.push_back(binding.tree);
  return binding;
}

}  // namespace sillage::kernel
