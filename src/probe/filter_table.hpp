// SPDX-License-Identifier: MIT
// The filters that a collector sends with an attachment.
#pragma once

#include "probe/filter_program.hpp"

#include <cstdint>

namespace sillage::probe {

/// A collector's table, mapped. No `data`: it is none this library understands, and no site of it is recorded.
struct FilterTable {
  const char* data;
  std::uint32_t bytes;
  std::uint32_t site_count;
};

/// Maps a table that nobody can change any more; to be unmapped by unmap_filters().
[[nodiscard]] FilterTable map_filters(int fd);
void unmap_filters(const FilterTable& table);

/// What becomes of a site's events.
struct SiteFilter {
  bool is_sound;         ///< false: no event is recorded, as the filter cannot be run
  const Filter* filter;  ///< nullptr: every event is recorded
};

/// The filter of a site: one for all sites that have the same.
///
/// Not sound either if the filters that this process has had are kMaxFilterBytes together: they are never freed.
/// Threads: under the library's lock (image.cpp).
[[nodiscard]] SiteFilter find_filter(const FilterTable& table, std::uint32_t site);

/// Some 100,000 different filters.
constexpr std::uint64_t kMaxFilterBytes = std::uint64_t{32} << 20;

}  // namespace sillage::probe
