// SPDX-License-Identifier: MIT
#include "ring/kernel_geometry.hpp"

#include <algorithm>
#include <bit>
#include <string>

namespace sillage::ring {
namespace {

// The unit of mmap here: elements start on one, so that each can be mapped by itself.
constexpr std::uint64_t kPage = 4096;
// Beyond any kernel's NR_CPUS (8192 at most).
constexpr std::uint32_t kMaxCpus = 65536;

constexpr std::uint64_t round_up(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}

constexpr std::uint64_t kDataOffset = round_up(sizeof(sillage_kernel_stream), kPage);
static_assert(kDataOffset + SILLAGE_KERNEL_RING_MAX_BYTES + SILLAGE_KERNEL_RING_SLACK < UINT64_C(1)
                                                                                            << 29);

}  // namespace

Result<KernelRingGeometry> KernelRingGeometry::make(const KernelRingOptions& options,
                                                    std::uint32_t cpu_count) {
  if (cpu_count == 0 || cpu_count > kMaxCpus)
    return fail(Code::kInvalidArgument, "a kernel ring for " + std::to_string(cpu_count) +
                                            " CPUs: must be 1 to " + std::to_string(kMaxCpus));
  if (options.header != SILLAGE_KERNEL_HEADER_COMPACT &&
      options.header != SILLAGE_KERNEL_HEADER_LARGE)
    return fail(Code::kInvalidArgument,
                "there is no kind of record header number " + std::to_string(options.header));
  // Checked before rounding: bit_ceil has no answer for what has none.
  if (options.subbuf_bytes.value > SILLAGE_KERNEL_RING_MAX_SUBBUF_BYTES)
    return fail(Code::kInvalidArgument, "sub-buffer size of " +
                                            std::to_string(options.subbuf_bytes.value) +
                                            " bytes is above the kernel tracer's limit of " +
                                            std::to_string(SILLAGE_KERNEL_RING_MAX_SUBBUF_BYTES));
  if (options.subbuf_count > SILLAGE_KERNEL_RING_MAX_SUBBUFS)
    return fail(Code::kInvalidArgument, std::to_string(options.subbuf_count) +
                                            " sub-buffers are above the kernel tracer's limit of " +
                                            std::to_string(SILLAGE_KERNEL_RING_MAX_SUBBUFS));
  KernelRingGeometry g;
  g.subbuf_bytes =
      std::bit_ceil(std::max(options.subbuf_bytes.value, SILLAGE_RING_MIN_SUBBUF_BYTES));
  g.subbuf_count = std::bit_ceil(std::max(options.subbuf_count, 2u));
  const std::uint64_t data_bytes = g.subbuf_bytes * g.subbuf_count;
  if (data_bytes > SILLAGE_KERNEL_RING_MAX_BYTES)
    return fail(Code::kInvalidArgument, std::to_string(g.subbuf_count) + " sub-buffers of " +
                                            std::to_string(g.subbuf_bytes) + " bytes make " +
                                            std::to_string(data_bytes) +
                                            " bytes per CPU, above the kernel tracer's limit of " +
                                            std::to_string(SILLAGE_KERNEL_RING_MAX_BYTES));
  g.cpu_count = cpu_count;
  g.overwrite = options.overwrite;
  g.header = options.header;
  g.data_offset = kDataOffset;
  g.stride = round_up(g.data_offset + data_bytes + SILLAGE_KERNEL_RING_SLACK, kPage);
  return g;
}

}  // namespace sillage::ring
