// SPDX-License-Identifier: MIT
#include "ring/geometry.hpp"

#include "base/fd.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <string>

namespace sillage::ring {
namespace {

constexpr const char* kPossibleCpus = "/sys/devices/system/cpu/possible";
constexpr std::uint64_t kPage = 4096;
// Beyond any kernel's NR_CPUS (8192 at most): a larger list is a broken file, not a machine.
constexpr std::uint32_t kMaxCpus = 65536;

std::uint64_t round_up(std::uint64_t value, std::uint64_t to) { return (value + to - 1) / to * to; }

}  // namespace

Result<RingGeometry> RingGeometry::make(const RingOptions& options, std::uint32_t index_count) {
  if (index_count == 0 || index_count > kMaxCpus)
    return fail(Code::kInvalidArgument,
                "a ring for " + std::to_string(index_count) + " CPUs: must be 1 to 65536");
  // Checked before rounding: bit_ceil has no answer for what has none.
  if (options.subbuf_bytes.value > SILLAGE_RING_MAX_SUBBUF_BYTES)
    return fail(Code::kInvalidArgument, "sub-buffer size of " +
                                            std::to_string(options.subbuf_bytes.value) +
                                            " bytes is above the limit of " +
                                            std::to_string(SILLAGE_RING_MAX_SUBBUF_BYTES));
  constexpr std::uint32_t kMaxCount = 1u
                                      << 26;  // SILLAGE_RING_MAX_BYTES of the smallest sub-buffers
  static_assert(kMaxCount * SILLAGE_RING_MIN_SUBBUF_BYTES == SILLAGE_RING_MAX_BYTES);
  if (options.subbuf_count > kMaxCount)
    return fail(Code::kInvalidArgument, std::to_string(options.subbuf_count) +
                                            " sub-buffers are above the limit of " +
                                            std::to_string(kMaxCount));
  RingGeometry g;
  g.subbuf_bytes =
      std::bit_ceil(std::max(options.subbuf_bytes.value, SILLAGE_RING_MIN_SUBBUF_BYTES));
  g.subbuf_count = std::bit_ceil(std::max(options.subbuf_count, 2u));
  if (g.subbuf_bytes * g.subbuf_count > SILLAGE_RING_MAX_BYTES)
    return fail(Code::kInvalidArgument, std::to_string(g.subbuf_count) + " sub-buffers of " +
                                            std::to_string(g.subbuf_bytes) + " bytes make " +
                                            std::to_string(g.subbuf_bytes * g.subbuf_count) +
                                            " bytes per stream, above the limit of " +
                                            std::to_string(SILLAGE_RING_MAX_BYTES));
  g.index_count = options.one_for_all ? 0 : index_count;
  g.stream_count = options.one_for_all ? SILLAGE_RING_SHARED_STREAMS : 2 * index_count;
  g.overwrite = options.overwrite;
  g.streams_offset = round_up(sizeof(sillage_ring_header), alignof(sillage_ring_stream));
  // Not a page per stream: on 128 CPUs that alone would be a megabyte for a per-process ring.
  g.stream_stride =
      round_up(sizeof(sillage_ring_stream) + g.subbuf_count * sizeof(sillage_ring_entry),
               alignof(sillage_ring_stream));
  g.data_offset = round_up(g.streams_offset + g.stream_count * g.stream_stride, kPage);
  // At most 2^38 + a page per stream and 2^17 streams: far from overflowing 64 bits.
  g.data_stride = g.subbuf_bytes * g.subbuf_count + SILLAGE_RING_SLACK;
  g.total_bytes = g.data_offset + g.stream_count * g.data_stride;
  return g;
}

std::uint32_t parse_cpu_list_end(const char* list) {
  // Ranges are in ascending order, so the last number is the highest.
  std::uint32_t highest = 0;
  bool any = false;
  const char* at = list;
  while (*at != '\0' && *at != '\n') {
    if (*at < '0' || *at > '9') return 0;
    char* end = nullptr;
    const unsigned long number = std::strtoul(at, &end, 10);
    if (number >= kMaxCpus || (any && number < highest)) return 0;
    highest = static_cast<std::uint32_t>(number);
    any = true;
    at = end;
    if (*at == '-' || *at == ',') ++at;
  }
  return any ? highest + 1 : 0;
}

Result<std::uint32_t> possible_cpu_count() {
  const Fd file(::open(kPossibleCpus, O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(kPossibleCpus);
  char text[4096];
  const ssize_t got = ::read(file.value(), text, sizeof text - 1);
  if (got < 0) return fail_errno(kPossibleCpus);
  text[got] = '\0';
  const std::uint32_t count = parse_cpu_list_end(text);
  if (count == 0) return fail(Code::kCorrupt, "is not a list of CPUs", kPossibleCpus);
  return count;
}

}  // namespace sillage::ring
