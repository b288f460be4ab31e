// SPDX-License-Identifier: MIT
// The traces of a reader as its users see them.
#pragma once

#include "ctf/columns.hpp"
#include "ctf/trace_reader.hpp"

#include <sillage/trace.hpp>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace sillage::trace::detail {

/// Where a field of an event class is found.
struct FieldAccess {
  const ctf::Op* op = nullptr;  ///< nullptr: only by decoding the record
  ctf::Place place{};
};

/// Everything that never changes while a reader reads.
///
/// Lifetime: points into the plans of the traces, which it keeps.
class Schema {
 public:
  explicit Schema(const ctf::TraceReader& reader);

  [[nodiscard]] const std::vector<TraceInfo>& traces() const { return traces_; }
  [[nodiscard]] const std::vector<EventClass>& classes() const { return classes_; }
  [[nodiscard]] const std::vector<StreamInfo>& streams() const { return streams_; }

  /// How the fields of class `index` are found, as EventClass::fields.
  [[nodiscard]] const std::vector<FieldAccess>& accesses(std::size_t index) const {
    return accesses_[index];
  }

  /// A stream of the reader's, or a part or copy of one.
  [[nodiscard]] const StreamInfo& stream_of(const ctf::DataStream& stream) const;
  /// The place in classes() of the first class of a data stream class.
  [[nodiscard]] std::size_t first_class(const ctf::StreamPlan& stream) const {
    return first_classes_.at(&stream);
  }

 private:
  using StreamKey = std::pair<const ctf::StreamPlan*, std::pair<std::uint64_t, std::string>>;

  void add_trace(const ctf::Trace& trace);
  void add_class(const ctf::Trace& trace, const ctf::StreamPlan& stream, std::uint32_t event);

  std::vector<std::shared_ptr<ctf::Trace>> kept_;
  std::vector<TraceInfo> traces_;
  std::vector<EventClass> classes_;
  std::vector<StreamInfo> streams_;
  std::vector<std::vector<FieldAccess>> accesses_;
  std::map<const ctf::StreamPlan*, std::size_t> first_classes_;
  std::map<StreamKey, std::size_t> by_stream_;
};

}  // namespace sillage::trace::detail
