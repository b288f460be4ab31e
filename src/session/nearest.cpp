// SPDX-License-Identifier: MIT
#include "session/nearest.hpp"

#include <algorithm>
#include <utility>

namespace sillage::session {
namespace {

std::string to_lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

std::vector<std::string> nearest_names(std::string_view wanted,
                                       const std::vector<std::string>& names, std::size_t count) {
  std::string lower = to_lower(wanted);
  std::string core = lower;
  std::erase(core, '*');
  const std::size_t limit = std::max<std::size_t>(2, core.size() / 3);
  std::vector<std::pair<std::size_t, const std::string*>> found;
  for (const std::string& name : names) {
    std::string candidate = to_lower(name);
    if (core.size() >= 3 && candidate.find(core) != std::string::npos) {
      found.emplace_back(0, &name);
      continue;
    }
    // Cheap first: two texts are at least as far apart as their lengths.
    const std::pair<std::size_t, std::size_t> sizes = std::minmax({core.size(), candidate.size()});
    if (sizes.second - sizes.first > limit) continue;
    const std::size_t distance = edit_distance(core, candidate);
    if (distance <= limit) found.emplace_back(distance, &name);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> best;
  for (const auto& [distance, name] : found) {
    if (best.size() == count) break;
    if (std::find(best.begin(), best.end(), *name) == best.end()) best.push_back(*name);
  }
  return best;
}

}  // namespace sillage::session
