// SPDX-License-Identifier: MIT
#include "session/channel_settings.hpp"

#include "session/checks.hpp"

#include <algorithm>
#include <bit>

namespace sillage::session {
namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMaxSubbufBytes = std::uint64_t{1} << 31;
constexpr std::uint64_t kMaxSubbufCount = 65536;
constexpr std::uint64_t kMaxTracefileCount = std::uint64_t{1} << 31;
constexpr std::uint64_t kMicrosecond = 1000;

/// LTTng's, as its users read them in its manual.
struct Defaults {
  std::uint64_t subbuf_bytes, subbuf_count;
  Nanoseconds read_timer;
};

Defaults defaults_of(Domain domain, BufferOwnership ownership) {
  if (domain == Domain::kKernel) return {1 << 20, 4, {200'000 * kMicrosecond}};
  if (ownership == BufferOwnership::kUser) return {512 << 10, 4, {0}};
  return {16 << 10, 4, {0}};
}

Status check_domain(const ChannelRequest& request, Domain domain) {
  if (domain == Domain::kUser && !request.is_mapped.value_or(true))
    return fail(Code::kInvalidArgument,
                "buffers of programs are mapped: choose mmap as the output type, not splice");
  if (domain == Domain::kUser) return {};
  const auto refuse = [](const char* option) {
    return fail(Code::kInvalidArgument,
                std::string(option) + " is for channels of the user domain: leave it out");
  };
  if (request.ownership) return refuse("buffer ownership");
  if (request.blocking_timeout && request.blocking_timeout->value != 0)
    return refuse("a blocking timeout");
  if (request.watchdog_timer) return refuse("a watchdog timer");
  if (request.allocation == BufferAllocation::kPerChannel) return refuse("one buffer for all CPUs");
  if (request.preallocation == BufferPreallocation::kOnDemand) return refuse("memory on demand");
  if (request.reclaim_age) return refuse("reclaiming memory");
  return {};
}

Status check_numbers(const ChannelRequest& request) {
  if (request.subbuf_bytes &&
      (request.subbuf_bytes->value == 0 || request.subbuf_bytes->value > kMaxSubbufBytes))
    return fail(Code::kInvalidArgument,
                "a sub-buffer must have a size of 1 byte to 2 GiB: choose another size");
  if (request.subbuf_count &&
      (*request.subbuf_count == 0 || *request.subbuf_count > kMaxSubbufCount))
    return fail(Code::kInvalidArgument,
                "a channel must have 1 to 65536 sub-buffers: choose another number");
  const std::uint64_t files = request.tracefile_count.value_or(0);
  if (files > kMaxTracefileCount)
    return fail(Code::kInvalidArgument, "that many trace files cannot be: choose fewer");
  if (files != 0 && request.tracefile_bytes.value_or(ByteCount{}).value == 0)
    return fail(Code::kInvalidArgument,
                "a trace file count without a trace file size does nothing: add the size");
  return {};
}

}  // namespace

Result<ChannelSettings> settle(const ChannelRequest& request, Domain domain, OutputMode mode) {
  if (!can_be_file_name(request.name) || request.name[0] == '.')
    return fail(Code::kInvalidArgument,
                "Invalid channel name: \"" + request.name +
                    "\". Channel names may not start with '.', and may not contain '/': choose 1 "
                    "to 223 other bytes");
  SILLAGE_TRY(check_domain(request, domain));
  SILLAGE_TRY(check_numbers(request));
  ChannelSettings settings;
  settings.name = request.name;
  settings.ownership = request.ownership.value_or(BufferOwnership::kUser);
  const Defaults defaults = defaults_of(domain, settings.ownership);
  settings.overwrite = request.overwrite.value_or(mode == OutputMode::kSnapshot);
  settings.subbuf_bytes = {std::max(
      kPage, std::bit_ceil(request.subbuf_bytes.value_or(ByteCount{defaults.subbuf_bytes}).value))};
  settings.subbuf_count = static_cast<std::uint32_t>(
      std::bit_ceil(request.subbuf_count.value_or(defaults.subbuf_count)));
  if (settings.overwrite && settings.subbuf_count < 2)
    return fail(Code::kInvalidArgument,
                "Overwrite mode needs at least two sub-buffers: raise their number");
  settings.switch_timer = request.switch_timer.value_or(Nanoseconds{});
  settings.read_timer = request.read_timer.value_or(defaults.read_timer);
  settings.monitor_timer = request.monitor_timer.value_or(Nanoseconds{1'000'000 * kMicrosecond});
  settings.watchdog_timer = request.watchdog_timer.value_or(Nanoseconds{});
  settings.blocking_timeout = request.blocking_timeout.value_or(Nanoseconds{});
  if (settings.overwrite && settings.blocking_timeout.value != 0)
    return fail(Code::kInvalidArgument,
                "an overwrite channel never waits: leave out --overwrite or --blocking-timeout");
  settings.tracefile_bytes = request.tracefile_bytes.value_or(ByteCount{});
  settings.tracefile_count = static_cast<std::uint32_t>(request.tracefile_count.value_or(0));
  if (settings.tracefile_bytes.value != 0 &&
      settings.tracefile_bytes.value < settings.subbuf_bytes.value)
    settings.tracefile_bytes = settings.subbuf_bytes;  // as LTTng: a file holds a packet
  settings.allocation = request.allocation.value_or(BufferAllocation::kPerCpu);
  settings.preallocation = request.preallocation.value_or(BufferPreallocation::kAtOnce);
  if (settings.overwrite && request.reclaim_age)
    return fail(Code::kInvalidArgument,
                "the memory of an overwrite channel holds what a snapshot would record: leave out "
                "--overwrite or --auto-reclaim-memory");
  settings.reclaim_age = request.reclaim_age;
  // As LTTng, whose snapshots are read from mapped buffers.
  settings.is_mapped =
      domain == Domain::kUser || mode == OutputMode::kSnapshot || request.is_mapped.value_or(false);
  return settings;
}

}  // namespace sillage::session
