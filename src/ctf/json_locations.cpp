// SPDX-License-Identifier: MIT
#include "ctf/json_locations.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace sillage::ctf {

namespace {

/// Structures with fewer members are searched one by one.
constexpr std::size_t kIndexedMembers = 32;

enum class Kind : std::uint8_t { kUnsigned, kSigned, kBoolean, kOther };

Kind kind_of(const FieldClass& field_class) {
  if (const auto* integer = field_class.as<Integer>())
    return integer->is_signed ? Kind::kSigned : Kind::kUnsigned;
  if (const auto* integer = field_class.as<VariableInteger>())
    return integer->is_signed ? Kind::kSigned : Kind::kUnsigned;
  return field_class.as<Boolean>() != nullptr ? Kind::kBoolean : Kind::kOther;
}

std::string text_of(const FieldLocation& location) {
  std::string text;
  for (const auto& step : location.path)
    text += (text.empty() ? "" : ".") + (step ? step->substr(0, 64) : std::string("(parent)"));
  return "'" + text + "'";
}

}  // namespace

std::optional<std::string> JsonLocationChecker::check(Scope scope) {
  scope_ = scope;
  error_.reset();
  frames_.clear();
  if (const FieldClassRef& root = roots_[static_cast<std::size_t>(scope)])
    static_cast<void>(visit(*root, ""));
  return std::move(error_);
}

bool JsonLocationChecker::fail(std::string message) {
  std::string path;
  for (const Frame& frame : frames_) {
    if (!frame.name.empty())
      path += (path.empty() ? "" : ".") + std::string(frame.name.substr(0, 64));
  }
  error_ = "field '" + path + "': " + std::move(message);
  return false;
}

bool JsonLocationChecker::visit(const FieldClass& field_class, std::string_view name) {
  frames_.push_back({.field_class = &field_class, .name = name});
  if (!visit_parts(field_class)) return false;
  frames_.pop_back();
  return true;
}

bool JsonLocationChecker::visit_parts(const FieldClass& field_class) {
  const std::size_t frame = frames_.size() - 1;
  if (const auto* structure = field_class.as<Structure>()) {
    for (std::size_t i = 0; i < structure->members.size(); ++i) {
      frames_[frame].index = i;
      const Member& member = structure->members[i];
      if (!visit(*member.field_class, member.name)) return false;
    }
    return true;
  }
  if (const auto* array = field_class.as<StaticArray>()) return visit(*array->element, "");
  if (const auto* array = field_class.as<DynamicArray>())
    return check_length(array->length) && visit(*array->element, "");
  if (const auto* text = field_class.as<DynamicString>()) return check_length(text->length_bytes);
  if (const auto* blob = field_class.as<DynamicBlob>()) return check_length(blob->length_bytes);
  if (const auto* optional = field_class.as<Optional>())
    return check_selector(optional->selector, optional->ranges, optional->selector_is_signed) &&
           visit(*optional->field_class, "");
  if (const auto* variant = field_class.as<Variant>()) {
    std::vector<IntegerRange> ranges;
    for (const VariantOption& option : variant->options)
      ranges.insert(ranges.end(), option.ranges.begin(), option.ranges.end());
    if (!check_selector(variant->selector, ranges, variant->selector_is_signed)) return false;
    for (std::size_t i = 0; i < variant->options.size(); ++i) {
      frames_[frame].index = i;
      if (!visit(*variant->options[i].field_class, variant->options[i].name)) return false;
    }
  }
  return true;
}

bool JsonLocationChecker::check_length(const FieldLocation& location) {
  if (!find(location, "length")) return false;
  const bool is_length = std::all_of(found_.begin(), found_.end(), [](const FieldClass* found) {
    return kind_of(*found) == Kind::kUnsigned;
  });
  return is_length || fail(text_of(location) + " is no length: a length is an unsigned integer");
}

bool JsonLocationChecker::check_selector(const FieldLocation& location,
                                         const std::vector<IntegerRange>& ranges, bool is_signed) {
  if (!find(location, "selector")) return false;
  const Kind kind = kind_of(*found_.front());
  if (std::any_of(found_.begin(), found_.end(),
                  [&](const FieldClass* found) { return kind_of(*found) != kind; }))
    return fail(text_of(location) + " leads to selectors of different kinds");
  if (ranges.empty())
    return kind == Kind::kBoolean ||
           fail(text_of(location) + " is no boolean, so 'selector-field-ranges' is needed");
  if (kind != Kind::kUnsigned && kind != Kind::kSigned)
    return fail(text_of(location) + " is no selector with ranges: that is an integer");
  if (is_signed && kind == Kind::kUnsigned)
    return fail(text_of(location) + " is unsigned, so no range of it can be negative");
  const bool is_too_large =
      !is_signed && std::any_of(ranges.begin(), ranges.end(), [](const IntegerRange& range) {
        return range.upper > static_cast<std::uint64_t>(INT64_MAX);
      });
  if (is_too_large && kind == Kind::kSigned)
    return fail(text_of(location) + " is signed, so no range of it can go above 2^63 - 1");
  return true;
}

bool JsonLocationChecker::find(const FieldLocation& location, const char* what) {
  found_.clear();
  std::vector<Place> structures;
  if (location.origin) {
    const FieldClassRef& root = roots_[static_cast<std::size_t>(*location.origin)];
    const bool is_own = *location.origin == scope_;
    if (root && *location.origin <= scope_)
      structures.push_back({root.get(), is_own ? 0 : kDecoded});
  } else {
    // The last frame is the field itself.
    for (std::size_t i = 0; i + 1 < frames_.size(); ++i) {
      if (frames_[i].field_class->as<Structure>() != nullptr)
        structures.push_back({frames_[i].field_class, i});
    }
  }
  if (!structures.empty()) follow(location, 0, structures);
  return !found_.empty() ||
         fail("there is no field " + text_of(location) + " in front of it for its " + what);
}

// `structures` are those around the place that is reached, the innermost last; they are left as
// they were.
void JsonLocationChecker::follow(const FieldLocation& location, std::size_t step,
                                 std::vector<Place>& structures) {
  const std::optional<std::string>& name = location.path[step];
  const Place place = structures.back();
  if (!name) {
    structures.pop_back();
    if (!structures.empty()) follow(location, step + 1, structures);
    structures.push_back(place);
    return;
  }
  const auto& structure = *place.field_class->as<Structure>();
  const auto index = find_member(structure, *name);
  if (!index) return;
  Place member{structure.members[*index].field_class.get(), kDecoded};
  if (place.frame != kDecoded) {
    if (*index > frames_[place.frame].index) return;
    if (*index == frames_[place.frame].index) member.frame = place.frame + 1;
  }
  pass(member, location, step, structures);
}

// Replaces arrays, options and variants by what is in them: where the way to the field goes through
// them, by what is on it.
void JsonLocationChecker::pass(Place place, const FieldLocation& location, std::size_t step,
                               std::vector<Place>& structures) {
  const FieldClass& field_class = *place.field_class;
  const bool is_on_way = place.frame != kDecoded;
  if (is_on_way && place.frame + 1 == frames_.size()) return;  // the field itself
  const auto* optional = field_class.as<Optional>();
  const auto* variant = field_class.as<Variant>();
  const bool is_array =
      field_class.as<StaticArray>() != nullptr || field_class.as<DynamicArray>() != nullptr;
  if (is_array && !is_on_way) return;  // which element?
  if (is_on_way && (is_array || optional != nullptr || variant != nullptr)) {
    pass({frames_[place.frame + 1].field_class, place.frame + 1}, location, step, structures);
    return;
  }
  if (optional != nullptr) {
    pass({optional->field_class.get(), kDecoded}, location, step, structures);
  } else if (variant != nullptr) {
    for (const VariantOption& option : variant->options)
      pass({option.field_class.get(), kDecoded}, location, step, structures);
  } else if (step + 1 == location.path.size()) {
    found_.push_back(&field_class);
  } else if (field_class.as<Structure>() != nullptr) {
    structures.push_back(place);
    follow(location, step + 1, structures);
    structures.pop_back();
  }
}

std::optional<std::size_t> JsonLocationChecker::find_member(const Structure& structure,
                                                            const std::string& name) {
  const std::vector<Member>& members = structure.members;
  if (members.size() < kIndexedMembers) {
    const auto found = std::find_if(members.begin(), members.end(),
                                    [&](const Member& member) { return member.name == name; });
    if (found == members.end()) return std::nullopt;
    return static_cast<std::size_t>(found - members.begin());
  }
  auto& index = indexes_[&structure];
  if (index.empty()) {
    for (std::size_t i = 0; i < members.size(); ++i) index.emplace(members[i].name, i);
  }
  const auto found = index.find(name);
  if (found == index.end()) return std::nullopt;
  return found->second;
}

}  // namespace sillage::ctf
