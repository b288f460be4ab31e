// SPDX-License-Identifier: MIT
#include "ring/kernel_ring.hpp"

#include <sys/mman.h>

#include <string>
#include <utility>

namespace sillage::ring {

Result<std::byte*> KernelRing::map_memory(int fd, std::uint64_t bytes) {
  // The kernel refuses what is longer than the map, so that no access can fail later.
  void* memory = std::in_range<std::size_t>(bytes)
                     ? ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                              MAP_SHARED, fd, 0)
                     : MAP_FAILED;
  if (memory == MAP_FAILED)
    return fail_errno("mapping a kernel ring of " + std::to_string(bytes) + " bytes");
  return static_cast<std::byte*>(memory);
}

Result<KernelRing> KernelRing::create(Fd map, const KernelRingGeometry& geometry, Nanoseconds now,
                                      Start start) {
  auto memory = map_memory(map.value(), geometry.total_bytes());
  if (!memory) return tl::unexpected(std::move(memory).error());
  KernelRing ring(std::move(map), *memory, geometry);
  for (std::uint32_t cpu = 0; cpu < geometry.cpu_count; ++cpu)
    ring.stream(cpu).initialise(cpu, now, start.sequence, start.event);
  return ring;
}

Result<KernelRing> KernelRing::open(Fd map, std::uint64_t stride, std::uint32_t cpu_count) {
  if (stride < sizeof(sillage_kernel_stream) || cpu_count == 0)
    return fail(Code::kCorrupt, "no kernel ring: its elements have " + std::to_string(stride) +
                                    " bytes, there are " + std::to_string(cpu_count));
  KernelRingGeometry none;
  none.stride = stride;
  none.cpu_count = cpu_count;
  auto memory = map_memory(map.value(), none.total_bytes());
  if (!memory) return tl::unexpected(std::move(memory).error());
  KernelRing ring(std::move(map), *memory, none);

  // The first stream says what the geometry is; that it says so itself is checked below, as for all.
  const sillage_kernel_stream& first = *reinterpret_cast<const sillage_kernel_stream*>(*memory);
  if (first.header > SILLAGE_KERNEL_HEADER_LARGE)
    return fail(Code::kCorrupt, "no kernel ring of this release: its record headers are of kind " +
                                    std::to_string(first.header));
  auto geometry =
      KernelRingGeometry::make({.subbuf_bytes = ByteCount{first.subbuf_bytes},
                                .subbuf_count = first.subbuf_count,
                                .overwrite = (first.flags & SILLAGE_RING_OVERWRITE) != 0,
                                .header = static_cast<sillage_kernel_header>(first.header)},
                               cpu_count);
  if (!geometry)
    return fail(Code::kCorrupt,
                "no kernel ring of this release: " + std::move(geometry).error().message);
  if (geometry->stride != stride)
    return fail(Code::kCorrupt, "no kernel ring of this release: its elements have " +
                                    std::to_string(stride) + " bytes instead of " +
                                    std::to_string(geometry->stride));
  ring.geometry_ = *geometry;
  for (std::uint32_t cpu = 0; cpu < cpu_count; ++cpu) SILLAGE_TRY(ring.stream(cpu).adopt(cpu));
  return ring;
}

KernelRing::KernelRing(KernelRing&& other) noexcept { *this = std::move(other); }

KernelRing& KernelRing::operator=(KernelRing&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  fd_ = std::move(other.fd_);
  memory_ = std::exchange(other.memory_, nullptr);
  geometry_ = other.geometry_;
  return *this;
}

KernelRing::~KernelRing() { unmap(); }

void KernelRing::unmap() {
  if (memory_ != nullptr) ::munmap(memory_, static_cast<std::size_t>(geometry_.total_bytes()));
  memory_ = nullptr;
}

KernelStream KernelRing::stream(std::uint32_t cpu) const {
  return {geometry_, memory_ + cpu * geometry_.stride};
}

void KernelRing::arm() const {
  for (std::uint32_t cpu = 0; cpu < geometry_.cpu_count; ++cpu) stream(cpu).arm();
}

}  // namespace sillage::ring
