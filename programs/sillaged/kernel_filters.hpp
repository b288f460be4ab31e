// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "filter/tree.hpp"
#include "kernel/btf.hpp"
#include "kernel/program_plan.hpp"
#include "session/kernel_channel.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sillage::daemon {

/// The filters of a kernel channel's rules, on their way into programs.
///
/// Lifetime: the channel's rules outlive it.
class KernelFilters {
 public:
  /// Errors: kInvalidArgument, kLimit: those of filter::parse(), with the column.
  [[nodiscard]] static Result<KernelFilters> parse(const session::KernelChannel& channel);

  /// Has an event that these rules want recorded where the filter of one of them matches; where one has none,
  /// always. False: no filter can match, as the event lacks fields.
  ///
  /// Errors: those of kernel::add_filter(), with the event's name.
  [[nodiscard]] Result<bool> apply(const std::vector<const session::KernelRule*>& rules,
                                   const kernel::Btf* btf, kernel::EventPlan* plan);

  /// Has an event's occurrences counted instead (EventPlan::counted): those of processes that are tracked, then of these, for each
  /// of the rules, those that it wants. The rules are one session's, which tracks the same processes for all. False: as apply().
  ///
  /// Errors: as apply().
  [[nodiscard]] Result<bool> count(const std::vector<const session::KernelRule*>& rules,
                                   const kernel::Btf* btf, kernel::EventPlan* plan);

  /// Errors: kNotFound  a filter names a field that no event has that it is for.
  [[nodiscard]] Status check_fields() const;

 private:
  struct Filter {
    filter::Tree tree;
    std::uint32_t events = 0;            // that were bound
    std::vector<std::uint32_t> lacking;  // of each field: how many of them lack it
  };
  std::map<const session::KernelRule*, Filter> filters_;
};

}  // namespace sillage::daemon
