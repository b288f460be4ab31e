// SPDX-License-Identifier: MIT
#pragma once

#include "apps/app_message.hpp"
#include "apps/image_catalog.hpp"
#include "base/result.hpp"
#include "filter/tree.hpp"
#include "session/channel.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace sillage::daemon {

/// The contexts of applications that a filter asks for; none of one that cannot be parsed.
[[nodiscard]] std::set<std::string> application_contexts_of(const std::string& filter);

/// Why a rule's filter can match no event of a tracepoint.
struct FilterMisfit {
  std::string filter, reason;
};

/// What programs are to run for the tracepoints of one image.
struct ImageFilters {
  std::vector<std::optional<std::size_t>> program_of;  ///< by site, in `programs`
  std::vector<std::vector<std::byte>> programs;

  /// Has an attachment carry them; nothing if no site has a filter.
  void move_to(apps::Attachment* attachment) &&;
};

/// The filters of a channel's rules, on their way into programs.
class UserFilters {
 public:
  /// Errors: kInvalidArgument, kLimit  those of filter::parse(), with the place.
  ///         kNotFound         a context that programs do not have, or one of an application.
  [[nodiscard]] static Result<UserFilters> parse(const session::Channel& channel);

  /// Has a site recorded where the filter of one of these rules matches; where one has none, always. False: none can match.
  ///
  /// `misfits` gets the filters that cannot match.
  /// Errors: kLimit  the filter is too large for programs.
  [[nodiscard]] Result<bool> apply(const std::vector<const session::EventRule*>& rules,
                                   const apps::Site& site, std::size_t site_index,
                                   ImageFilters* filters, std::vector<FilterMisfit>* misfits) const;

  /// Looks at a site that these rules want, for check().
  void preview(const std::vector<const session::EventRule*>& rules, const apps::Site& site);

  /// Errors: kNotFound         a filter names a field that no event has that was looked at.
  ///         kInvalidArgument  its types fit none of them.
  [[nodiscard]] Status check() const;

  [[nodiscard]] bool is_empty() const { return filters_.empty(); }

 private:
  struct Filter {
    filter::Tree tree;
    std::uint32_t seen = 0;              // sites that were looked at
    std::uint32_t misfits = 0;           // of these, where the types do not fit
    std::vector<std::uint32_t> lacking;  // of each field: how many of them lack it
    std::optional<Error> mismatch;       // the first
  };
  std::map<std::string, Filter> filters_;  // by text
};

}  // namespace sillage::daemon
