// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sillage::session {

/// The fewest insertions, deletions and replacements of single bytes that turn `a` into `b`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// Those of `names` that someone who wrote `wanted` may have meant, best first, at most `count`.
///
/// Shape: near in spelling (a third of the length may differ), or containing what stands between the stars of
///        `wanted`; letters of either case count as equal.
[[nodiscard]] std::vector<std::string> nearest_names(std::string_view wanted,
                                                     const std::vector<std::string>& names,
                                                     std::size_t count);

}  // namespace sillage::session
