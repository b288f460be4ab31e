// SPDX-License-Identifier: MIT
#include "convert/ctf18_scope.hpp"

#include <algorithm>
#include <utility>

namespace sillage::convert {

using namespace ctf;  // the model's names are this file's words

namespace {

const PlacedField* find_member(const std::vector<PlacedField>& members, const std::string& name) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const PlacedField& field) {
    return !field.is_made && field.name == name;
  });
  return found == members.end() ? nullptr : &*found;
}

}  // namespace

void Ctf18Scopes::start(Scope scope) {
  for (auto i = static_cast<std::size_t>(scope); i < roots_.size(); ++i) roots_[i].clear();
  scope_ = scope;
  frames_.clear();
}

void Ctf18Scopes::enter(bool is_made) { frames_.push_back({.is_made = is_made}); }

std::vector<PlacedField> Ctf18Scopes::leave() {
  std::vector<PlacedField> members = std::move(frames_.back().members);
  frames_.pop_back();
  if (frames_.empty()) roots_[static_cast<std::size_t>(scope_)] = members;
  return members;
}

std::optional<std::size_t> Ctf18Scopes::outer(std::size_t frame) const {
  while (frame-- != 0) {
    if (!frames_[frame].is_made) return frame;
  }
  return std::nullopt;
}

std::optional<std::size_t> Ctf18Scopes::inner(std::size_t frame) const {
  while (++frame < frames_.size()) {
    if (!frames_[frame].is_made) return frame;
  }
  return std::nullopt;
}

bool Ctf18Scopes::is_shadowed(const std::string& identifier, std::size_t frame) const {
  for (std::size_t i = frame + 1; i < frames_.size(); ++i) {
    for (const PlacedField& field : frames_[i].members) {
      if (field.identifier == identifier) return true;
    }
  }
  return false;
}

std::optional<Ctf18Scopes::Target> Ctf18Scopes::find(const FieldLocation& location) const {
  if (!location.origin || *location.origin == scope_) {
    std::size_t frame = 0;
    if (!location.origin) {
      const auto own = outer(frames_.size());
      if (!own) return std::nullopt;
      frame = *own;
    }
    return find_in_scope(location, frame);
  }
  Target target{.location = {.origin = location.origin}};
  const std::vector<PlacedField>* members = &roots_[static_cast<std::size_t>(*location.origin)];
  for (const auto& name : location.path) {
    const PlacedField* field = name ? find_member(*members, *name) : nullptr;
    if (field == nullptr) return std::nullopt;
    target.location.path.emplace_back(field->identifier);
    target.field_class = field->field_class;
    members = &field->members;
  }
  return target;
}

std::optional<Ctf18Scopes::Target> Ctf18Scopes::find_in_scope(const FieldLocation& location,
                                                              std::size_t frame) const {
  // First along the structures around the field, then into one that is translated already.
  auto part = location.path.begin();
  for (; part != location.path.end(); ++part) {
    const auto next = *part ? inner(frame) : outer(frame);
    const bool is_on_way = !*part || (next && frames_[frame].current == **part);
    if (!is_on_way) break;
    if (!next) return std::nullopt;
    frame = *next;
  }
  Target target;
  target.location.path.resize(frames_.size() - 1 - frame);
  const std::vector<PlacedField>* members = &frames_[frame].members;
  for (bool is_first = true; part != location.path.end(); ++part, is_first = false) {
    const PlacedField* field = *part ? find_member(*members, **part) : nullptr;
    if (field == nullptr || (is_first && is_shadowed(field->identifier, frame))) {
      return std::nullopt;
    }
    target.location.path.emplace_back(field->identifier);
    target.field_class = field->field_class;
    members = &field->members;
  }
  if (!target.field_class) return std::nullopt;
  return target;
}

}  // namespace sillage::convert
