// SPDX-License-Identifier: MIT
#include "import/kernel_events.hpp"

#include "import/integer_bytes.hpp"
#include "tracefs/lttng_names.hpp"

namespace sillage::import {
namespace {

// struct trace_entry of the kernel: u16 type, u8 flags, u8 preempt_count, int pid. Part of its ABI:
// every format repeats it.
constexpr std::size_t kTypeBytes = 2;
constexpr std::size_t kPidOffset = 4, kPidBytes = 4;

}  // namespace

const KernelEvent* KernelEvents::find(std::uint32_t type) {
  if (const auto known = events_.find(type); known != events_.end()) return &known->second;
  const auto format = tracing_.events.find(type);
  if (format == tracing_.events.end()) return nullptr;
  return &events_
              .emplace(type, KernelEvent{RecordPlan(format->second, tracing_.order),
                                         NameSource::of(format->second)})
              .first->second;
}

std::string KernelEvents::name(std::uint32_t type) const {
  const auto format = tracing_.events.find(type);
  if (format == tracing_.events.end()) return {};
  return tracefs::lttng_event_name(format->second.system, format->second.name);
}

std::optional<std::uint32_t> KernelEvents::type(std::span<const std::byte> record,
                                                ctf::ByteOrder order) {
  if (record.size() < kTypeBytes) return std::nullopt;
  return static_cast<std::uint32_t>(load_integer(record.data(), kTypeBytes, order));
}

std::optional<std::int32_t> KernelEvents::tid(std::span<const std::byte> record,
                                              ctf::ByteOrder order) {
  if (record.size() < kPidOffset + kPidBytes) return std::nullopt;
  return static_cast<std::int32_t>(load_integer(record.data() + kPidOffset, kPidBytes, order));
}

}  // namespace sillage::import
