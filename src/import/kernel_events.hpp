// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.hpp"
#include "import/record_plan.hpp"
#include "import/task_names.hpp"
#include "import/trace_output.hpp"
#include "import/tracing_data.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace sillage::import {

/// A kind of tracepoint that the trace has events of.
struct KernelEvent {
  RecordPlan plan;
  std::optional<NameSource> name_source;
  std::optional<tracefs::FormatField>
      syscall{};  ///< of raw_syscalls: where a record has the number
};

/// The tracepoints of an input: found by the number that a record begins with.
class KernelEvents {
 public:
  /// `tracing` must outlive this.
  explicit KernelEvents(const TracingData& tracing) : tracing_(tracing) {}

  /// The tracepoint of a record; nullptr if the record is too short to say or the input does not
  /// describe it.
  [[nodiscard]] const KernelEvent* find(std::uint32_t type);
  /// LTTng's name of it; "" if it is not described. `syscall`: the name of the call that it is an event
  /// of, if it is one of raw_syscalls.
  [[nodiscard]] std::string name(std::uint32_t type, std::string_view syscall = {}) const;
  /// The call that a record of raw_syscalls is of; "" if nobody knows, and of other events.
  [[nodiscard]] std::string_view syscall(const KernelEvent& event,
                                         std::span<const std::byte> record) const;
  /// The machine that recorded, as uname(2) says it: its calls have names.
  void set_machine(std::string machine) { machine_ = std::move(machine); }

  /// `common_type` of a record.
  [[nodiscard]] static std::optional<std::uint32_t> type(std::span<const std::byte> record,
                                                         ctf::ByteOrder order);
  /// `common_pid`: the thread of a record; none if the record is too short.
  [[nodiscard]] static std::optional<std::int32_t> tid(std::span<const std::byte> record,
                                                       ctf::ByteOrder order);

 private:
  const TracingData& tracing_;
  std::string machine_;
  std::unordered_map<std::uint32_t, KernelEvent> events_;
};

}  // namespace sillage::import
