// SPDX-License-Identifier: MIT
// The traces of a reader as its users see them.
#pragma once

#include <sillage/trace.hpp>
#include "ctf/columns.hpp"
#include "ctf/trace_reader.hpp"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace sillage::trace::detail {

/// Where a field of an event class is found.
struct FieldAccess {
  const ctf::Op* op = nullptr;  ///< nullptr: only by decoding the record
  ctf::Place place{};
  bool is_plain = false;  ///< an integer of 1, 2, 4 or 8 bytes, of the machine's order
};

/// What all events of a stream share.
struct StreamAccess {
  const StreamInfo* info = nullptr;
  const EventClass* classes = nullptr;               ///< as StreamPlan::events
  const std::vector<FieldAccess>* fields = nullptr;  ///< of each class, as EventClass::fields
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

  /// By Run::index.
  [[nodiscard]] const std::vector<StreamAccess>& stream_accesses() const {
    return stream_accesses_;
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
  std::vector<std::vector<FieldAccess>> accesses_;  // as classes_
  std::vector<StreamAccess> stream_accesses_;
  std::map<const ctf::StreamPlan*, std::size_t> first_classes_;
  std::map<StreamKey, std::size_t> by_stream_;
};

}  // namespace sillage::trace::detail
