// SPDX-License-Identifier: MIT
// Which events `sillage read` shows.
#pragma once

#include "base/result.hpp"
#include "ctf/trace_reader.hpp"
#include "report/trace_filter.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace sillage::report {

/// The events whose name is like one of some patterns, and for which a filter is true.
///
/// Lifetime: the traces must outlive it.
/// Cost:     names are compared and fields are looked up once for each event class.
class EventSelection {
 public:
  EventSelection() = default;

  /// `patterns` empty: all names. `filter` nullptr: all events.
  ///
  /// Errors: kInvalidArgument  those of filter::parse(); a pattern that no event class of the traces
  ///                           is like; an expression that can be true for none of them, because a
  ///                           field is not there or is of another type.
  [[nodiscard]] static Result<EventSelection> make(const std::vector<std::string>& patterns,
                                                   const std::string* filter,
                                                   const ctf::TraceReader& reader);

  /// Whether all events are wanted.
  [[nodiscard]] bool is_all() const { return is_all_; }

  /// Makes a reader leave out the event classes of which none can be wanted: their records are
  /// passed, not read. To be called in front of its first next().
  void restrict(const ctf::TraceReader& reader) const;
  /// Whether the classes alone decide: what restrict() leaves is wanted.
  [[nodiscard]] bool is_by_class() const { return !has_filter_; }

  /// Whether the event that `stream.next()` read last is wanted.
  [[nodiscard]] bool wants(const ctf::DataStream& stream);
  /// Whether an event is wanted that was decoded by other means.
  [[nodiscard]] bool wants(const ctf::EventView& event);

  /// Whether events of a class can be wanted.
  [[nodiscard]] bool may_want(const ctf::EventPlan& event) const {
    return is_all_ || choices_.at(&event).is_possible;
  }

 private:
  struct Choice {
    bool is_possible = true;
    bool is_filtered = false;
    filter::Tree tree{};
    std::vector<EventSchema::Place> places{};
  };

  const Choice& choice_of(const ctf::EventPlan& event);

  bool is_all_ = true;
  bool has_filter_ = false;
  std::unordered_map<const ctf::EventPlan*, Choice> choices_;
  const ctf::EventPlan* last_event_ = nullptr;
  const Choice* last_ = nullptr;
};

}  // namespace sillage::report
