// SPDX-License-Identifier: MIT
#include "import/kernel_events.hpp"

#include "import/integer_bytes.hpp"
#include "import/syscall_names.hpp"
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
  const tracefs::EventFormat& about = format->second;
  KernelEvent event{.plan = RecordPlan(about, tracing_.order),
                    .name_source = NameSource::of(about)};
  const tracefs::FormatField* number = about.system == "raw_syscalls" ? about.find("id") : nullptr;
  if (number != nullptr && number->place == tracefs::FieldPlace::kFixed &&
      number->size_bytes <= 8) {
    event.syscall = *number;
  }
  return &events_.emplace(type, std::move(event)).first->second;
}

std::string KernelEvents::name(std::uint32_t type, std::string_view syscall) const {
  const auto format = tracing_.events.find(type);
  if (format == tracing_.events.end()) return {};
  std::string name = tracefs::lttng_event_name(format->second.system, format->second.name);
  constexpr std::string_view kUnknown = "unknown";
  if (syscall.empty() || !name.ends_with(kUnknown)) return name;
  return name.substr(0, name.size() - kUnknown.size()) + std::string(syscall);
}

std::string_view KernelEvents::syscall(const KernelEvent& event,
                                       std::span<const std::byte> record) const {
  if (!event.syscall || record.size() < event.syscall->size_bytes ||
      record.size() - event.syscall->size_bytes < event.syscall->offset) {
    return {};
  }
  return syscall_name(machine_, load_integer(record.data() + event.syscall->offset,
                                             event.syscall->size_bytes, tracing_.order));
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
