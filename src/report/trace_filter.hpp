// SPDX-License-Identifier: MIT
// Filter expressions over the events of a trace.
#pragma once

#include "ctf/data_stream.hpp"
#include "filter/bind.hpp"
#include "filter/evaluate.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sillage::report {

/// The root structures of an event record in which filters look.
enum class FilterScope : std::uint8_t {
  kPayload,
  kCommonContext,
  kSpecificContext,
  kPacketContext,
};

/// Where a field is: the scope, then for each step the field that must stand there, or the index of
/// an element.
struct FilterPath {
  struct Step {
    std::uint32_t field = ctf::kNone;  ///< in Plan::fields(); of elements: the element's
    std::optional<std::uint64_t> index{};
  };
  FilterScope scope = FilterScope::kPayload;
  std::vector<Step> steps{};
};

/// The fields of an event class, for filter::bind().
///
/// A name is looked up in the payload, `$ctx.NAME` in the contexts of the event record, then of the
/// packet, then in the environment of the trace; `$app.P:N` is the context named `app.P:N`.
/// Variants and optionals are looked through: where several options have the name, each is tried.
/// Lifetime: trace and plans must outlive it.
class EventSchema final : public filter::Schema {
 public:
  EventSchema(const ctf::Trace& trace, const ctf::StreamPlan& stream, const ctf::EventPlan& event)
      : trace_(trace), stream_(stream), event_(event) {}

  [[nodiscard]] std::optional<filter::Slot> find(const filter::FieldName& name) const override;

  /// Where a field is kept: paths to try one after the other, or a value that all records have.
  struct Place {
    std::vector<FilterPath> paths{};
    filter::Scalar constant{};
  };
  [[nodiscard]] std::vector<Place> take_places() { return std::move(places_); }

 private:
  mutable std::vector<Place> places_;
  const ctf::Trace& trace_;
  const ctf::StreamPlan& stream_;
  const ctf::EventPlan& event_;
};

/// An event record for filter::matches().
///
/// Lifetime: for one event; plan, places and event must outlive it.
class EventRecord final : public filter::Record {
 public:
  EventRecord(const ctf::EventView& event, const std::vector<EventSchema::Place>& places)
      : event_(event), places_(places) {}

  [[nodiscard]] filter::Scalar read(std::uint32_t slot) const override;

 private:
  const ctf::EventView& event_;
  const std::vector<EventSchema::Place>& places_;
};

}  // namespace sillage::report
