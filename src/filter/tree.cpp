// SPDX-License-Identifier: MIT
#include "filter/tree.hpp"

namespace sillage::filter {

std::string FieldName::text() const {
  std::string name;
  if (space == Space::kContext) name = "$ctx";
  if (space == Space::kApplication) name = "$app";
  for (const PathStep& step : path) {
    if (step.member.empty()) {
      name += '[' + std::to_string(step.index) + ']';
      continue;
    }
    if (!name.empty()) name += '.';
    name += step.member;
  }
  return name;
}

}  // namespace sillage::filter
