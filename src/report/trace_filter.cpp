// SPDX-License-Identifier: MIT
#include "report/trace_filter.hpp"

#include <array>
#include <span>
#include <string_view>
#include <utility>

namespace sillage::report {
namespace {

using ctf::Value;
using ctf::ValueKind;
using filter::PathStep;
using filter::Scalar;
using filter::Type;

Type type_of(const ctf::FieldClass& field_class) {
  if (field_class.as<ctf::Integer>() != nullptr ||
      field_class.as<ctf::VariableInteger>() != nullptr ||
      field_class.as<ctf::Boolean>() != nullptr || field_class.as<ctf::BitArray>() != nullptr ||
      field_class.as<ctf::BitMap>() != nullptr) {
    return Type::kInteger;
  }
  if (field_class.as<ctf::Float>() != nullptr) return Type::kReal;
  if (field_class.as<ctf::NullTerminatedString>() != nullptr ||
      field_class.as<ctf::StaticString>() != nullptr ||
      field_class.as<ctf::DynamicString>() != nullptr) {
    return Type::kText;
  }
  return Type::kMissing;
}

// Walks the tree of fields along a name, and collects where it leads.
class PathFinder {
 public:
  PathFinder(const ctf::Plan& plan, FilterScope scope, const std::vector<PathStep>& name)
      : plan_(plan), scope_(scope), name_(name) {}

  void search(std::uint32_t field, std::size_t step) {
    const ctf::Field& node = plan_.fields()[field];
    const ctf::FieldClass& field_class = *node.field_class;
    if (field_class.as<ctf::Optional>() != nullptr || field_class.as<ctf::Variant>() != nullptr) {
      // An option may be named: that is a step; what is in it may be named without: that is none.
      const bool is_variant = field_class.as<ctf::Variant>() != nullptr;
      for (const std::uint32_t child : node.children) {
        const bool is_named = is_variant && step != name_.size() && !name_[step].member.empty() &&
                              plan_.fields()[child].name == name_[step].member;
        descend(child, {}, is_named ? step + 1 : step);
      }
      return;
    }
    if (step == name_.size()) {
      const Type type = type_of(field_class);
      if (type == Type::kMissing) return;
      if (paths.empty()) {
        type_ = type;
      } else if (type_ != type) {
        type_ = Type::kUnknown;
      }
      paths.push_back({.scope = scope_, .steps = steps_});
      return;
    }
    const PathStep& wanted = name_[step];
    if (field_class.as<ctf::Structure>() != nullptr) {
      if (wanted.member.empty()) return;
      for (const std::uint32_t child : node.children) {
        if (plan_.fields()[child].name == wanted.member) descend(child, {}, step + 1);
      }
    } else if (wanted.member.empty() && !node.children.empty()) {
      descend(node.children.front(), wanted.index, step + 1);
    }
  }

  [[nodiscard]] Type type() const { return type_; }
  std::vector<FilterPath> paths{};

 private:
  void descend(std::uint32_t field, std::optional<std::uint64_t> index, std::size_t step) {
    steps_.push_back({.field = field, .index = index});
    search(field, step);
    steps_.pop_back();
  }

  const ctf::Plan& plan_;
  FilterScope scope_;
  const std::vector<PathStep>& name_;
  std::vector<FilterPath::Step> steps_;
  Type type_ = Type::kMissing;
};

// "app.provider:name" as CTF 1.8 has it, whose names are identifiers.
std::string identifier_of(std::string name) {
  for (char& character : name) {
    const bool is_kept = (character >= 'a' && character <= 'z') ||
                         (character >= 'A' && character <= 'Z') ||
                         (character >= '0' && character <= '9') || character == '_';
    if (!is_kept) character = '_';
  }
  return name;
}

Scalar scalar_of(const ctf::EnvironmentValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return Scalar::of(*number);
  return Scalar::of(std::string_view(std::get<std::string>(value)));
}

Scalar scalar_of(const Value& value) {
  switch (value.kind) {
    case ValueKind::kUnsigned:
    case ValueKind::kSigned:
    case ValueKind::kBoolean:
    case ValueKind::kBits: return Scalar::of(static_cast<std::int64_t>(value.number));
    case ValueKind::kFloat32:
    case ValueKind::kFloat64: return Scalar::of(value.real);
    case ValueKind::kText: {
      const std::string_view text = value.text();
      return Scalar::of(text.substr(0, text.find('\0')));
    }
    default: return {};
  }
}

// The value one step below `value`, or nullptr.
const Value* follow(const Value* value, const FilterPath::Step& step) {
  const Value* const end = value + value->extent;
  std::uint64_t index = 0;
  for (const Value* child = value + 1; child < end; child += child->extent, ++index) {
    if (step.index ? index == *step.index : child->field == step.field) return child;
  }
  return nullptr;
}

}  // namespace

std::optional<filter::Slot> EventSchema::find(const filter::FieldName& name) const {
  using Space = filter::FieldName::Space;
  const ctf::Plan& plan = *trace_.plan;
  const auto look = [&](FilterScope scope, const ctf::ScopePlan& in,
                        const std::vector<PathStep>& path) -> std::optional<filter::Slot> {
    if (in.empty()) return std::nullopt;
    PathFinder finder(plan, scope, path);
    finder.search(in.root, 0);
    if (finder.paths.empty()) return std::nullopt;
    const Type type = finder.type();
    places_.push_back({.paths = std::move(finder.paths)});
    return filter::Slot{static_cast<std::uint32_t>(places_.size() - 1), type};
  };
  if (name.space == Space::kPayload) return look(FilterScope::kPayload, event_.payload, name.path);
  std::vector<std::vector<PathStep>> candidates = {name.path};
  if (name.space == Space::kApplication) {
    candidates.front().front().member = "app." + name.path.front().member;
    candidates.push_back(candidates.front());
  }
  candidates.back().front().member = identifier_of(candidates.back().front().member);
  if (name.space == Space::kApplication) {  // the `$`, too, where LTTng or this project wrote it
    candidates.push_back(candidates.back());
    candidates.back().front().member.insert(0, 1, '_');
  }
  for (const std::vector<PathStep>& path : candidates) {
    for (const auto& [scope, in] :
         {std::pair{FilterScope::kCommonContext, &stream_.common_context},
          std::pair{FilterScope::kSpecificContext, &event_.specific_context},
          std::pair{FilterScope::kPacketContext, &stream_.packet_context}}) {
      if (const auto slot = look(scope, *in, path)) return slot;
    }
  }
  if (name.space != Space::kContext || name.path.size() != 1) return std::nullopt;
  const ctf::EnvironmentValue* value = trace_.environment(name.path.front().member);
  if (value == nullptr) return std::nullopt;
  places_.push_back({.constant = scalar_of(*value)});
  return filter::Slot{static_cast<std::uint32_t>(places_.size() - 1), places_.back().constant.type};
}

Scalar EventRecord::read(std::uint32_t slot) const {
  const EventSchema::Place& place = places_[slot];
  for (const FilterPath& path : place.paths) {
    const std::array<ctf::Values, 4> scopes = {event_.payload, event_.common_context,
                                               event_.specific_context, event_.packet_context};
    const ctf::Values values = scopes[static_cast<std::size_t>(path.scope)];
    const Value* value = values.empty() ? nullptr : values.data();
    for (const FilterPath::Step& step : path.steps) {
      if (value == nullptr) break;
      value = follow(value, step);
    }
    if (value != nullptr) return scalar_of(*value);
  }
  return place.constant;
}

}  // namespace sillage::report
