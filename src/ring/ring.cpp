// SPDX-License-Identifier: MIT
#include "ring/ring.hpp"

#include "ring/memory.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace sillage::ring {
namespace {

tl::unexpected<Error> fail_size(const char* what, const RingGeometry& g, std::uint64_t bytes) {
  const int error_number = errno;
  return fail_errno("cannot " + std::string(what) + " " + std::to_string(bytes) +
                        " bytes for a ring of " + std::to_string(g.stream_count) + " streams of " +
                        std::to_string(g.subbuf_count) + " x " + std::to_string(g.subbuf_bytes) +
                        " bytes (use smaller or fewer sub-buffers)",
                    error_number);
}

// fallocate does not refuse what is too much: the kernel would kill a process to find it. So ask
// before.
Status take_memory(int fd, const RingGeometry& g, std::uint64_t offset, std::uint64_t bytes) {
  // Looking at control groups takes longer than making the small ring of a process.
  constexpr std::uint64_t kSmall = 1 << 20;
  if (bytes > (bytes < kSmall ? machine_memory_bytes() : available_memory_bytes()) / 2) {
    errno = ENOMEM;
    return fail_size("take", g, bytes);
  }
  if (::fallocate(fd, 0, static_cast<off_t>(offset), static_cast<off_t>(bytes)) != 0)
    return fail_size("take", g, bytes);
  return {};
}

void begin_stream(std::byte* control, const RingOptions& options, const RingGeometry& g,
                  Nanoseconds now) {
  auto* stream = reinterpret_cast<sillage_ring_stream*>(control);
  auto* entries = reinterpret_cast<sillage_ring_entry*>(control + sizeof(sillage_ring_stream));
  const std::uint64_t start = (options.first_sequence * g.subbuf_bytes) & SILLAGE_RING_BYTES_MASK;
  const std::uint64_t position = options.first_event << SILLAGE_RING_POSITION_BITS | start;
  sillage_ring_entry& first = entries[options.first_sequence & (g.subbuf_count - 1)];
  first.sequence = options.first_sequence;
  first.begin_ns = now.value;
  first.events = options.first_event;
  first.previous_end = position;
  stream->position = position;
  stream->epoch = now.value >> SILLAGE_RECORD_EPOCH_BITS;
  stream->consumed = start;
}

}  // namespace

Result<Ring> Ring::create(const RingOptions& options, Nanoseconds now, const MemoryPlace& place) {
  auto cpus = possible_cpu_count();
  if (!cpus) return tl::unexpected(std::move(cpus).error());
  auto made = RingGeometry::make(options, *cpus);
  if (!made) return tl::unexpected(std::move(made).error());
  const RingGeometry g = *made;

  if (!std::in_range<std::size_t>(g.total_bytes)) {  // 32-bit programs
    errno = ENOMEM;
    return fail_size("map", g, g.total_bytes);
  }
  Fd fd;
  if (auto memory = make_memory(place, "sillage-ring", g.total_bytes)) {
    fd = *std::move(memory);
  } else if (memory.error().code == Code::kNoSpace) {
    errno = place.is_file() ? ENOSPC : ENOMEM;
    return fail_size("reserve", g, g.total_bytes);
  } else {
    return tl::unexpected(std::move(memory).error());
  }
  if (!place.is_file()) {
    // The control areas are written just below: taken by fallocate, a lack of memory is an error, not
    // a SIGBUS.
    SILLAGE_TRY(take_memory(fd.value(), g, 0, g.data_offset));
    if (options.preallocate) {
      const auto online = static_cast<std::uint64_t>(std::max(::sysconf(_SC_NPROCESSORS_ONLN), 1L));
      // Of a ring for all CPUs: the stream that everybody tries first.
      const std::uint64_t used = g.index_count == 0 ? 1 : g.index_count;
      SILLAGE_TRY(take_memory(fd.value(), g, g.data_offset,
                              std::min<std::uint64_t>(online, used) * g.data_stride));
    }
  }
  auto mapped = map(std::move(fd), g, MAP_SHARED, place.is_file());
  if (!mapped) return mapped;
  Ring ring = *std::move(mapped);
  sillage_ring_header* header = ring.header();
  header->magic = SILLAGE_RING_MAGIC;
  header->abi_major = SILLAGE_RING_ABI_MAJOR;
  header->abi_minor = SILLAGE_RING_ABI_MINOR;
  header->total_bytes = g.total_bytes;
  header->subbuf_bytes = g.subbuf_bytes;
  header->subbuf_count = g.subbuf_count;
  header->index_count = g.index_count;
  header->stream_count = g.stream_count;
  if (options.overwrite) header->flags |= SILLAGE_RING_OVERWRITE;
  if (options.by_mm_cid) header->flags |= SILLAGE_RING_BY_MM_CID;
  header->blocking_timeout_ns = options.overwrite ? 0 : options.blocking_timeout.value;
  header->streams_offset = g.streams_offset;
  header->stream_stride = g.stream_stride;
  header->data_offset = g.data_offset;
  header->data_stride = g.data_stride;
  for (std::uint32_t i = 0; i < g.stream_count; ++i)
    begin_stream(ring.memory_ + g.streams_offset + i * g.stream_stride, options, g, now);
  ring.first_sequence_ = options.first_sequence;
  ring.first_event_ = options.first_event;
  return ring;
}

Result<Ring> Ring::map(Fd fd, const RingGeometry& geometry, int sharing, bool is_file) {
  const auto bytes = static_cast<std::size_t>(geometry.total_bytes);
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, sharing, fd.value(), 0);
  if (mapped == MAP_FAILED) return fail_size("map", geometry, geometry.total_bytes);
  Ring ring(std::move(fd), static_cast<std::byte*>(mapped), geometry);
  ring.is_file_ = is_file;
  if (!is_file) return ring;
  auto guard = BusGuard::watch(mapped, bytes);
  if (!guard) return tl::unexpected(std::move(guard).error());
  ring.guard_ = *std::move(guard);
  return ring;
}

// Nothing in it is believed: programs have written there.
Result<Ring> Ring::open(Fd memory, const RingOptions& options, bool is_file) {
  auto cpus = possible_cpu_count();
  if (!cpus) return tl::unexpected(std::move(cpus).error());
  auto made = RingGeometry::make(options, *cpus);
  if (!made) return tl::unexpected(std::move(made).error());
  struct stat status {};
  if (::fstat(memory.value(), &status) != 0) return fail_errno("cannot look at a ring");
  // A file may have become shorter meanwhile: its channel ends as it would have with a collector that was there.
  if (!is_file && (static_cast<std::uint64_t>(status.st_size) != made->total_bytes ||
                   !is_sealed(memory.value())))
    return fail(Code::kCorrupt, "a ring that was kept is not what was kept");
  return map(std::move(memory), *made, MAP_SHARED, is_file);
}

// Its header is believed where the sizes that follow from it are those that stand there, and the file's.
Result<Ring> Ring::open_remains(const Fd& file, const std::string& name) {
  sillage_ring_header header;
  struct stat status {};
  if (::fstat(file.value(), &status) != 0) return fail_errno("cannot look at " + name);
  if (!S_ISREG(status.st_mode) ||
      ::pread(file.value(), &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header))
    return fail(Code::kCorrupt, "too short for a ring", name + "@0");
  const auto wrong = [&](const char* what, std::size_t offset, Code code = Code::kCorrupt) {
    return fail(code, what, name + "@" + std::to_string(offset));
  };
  if (header.magic != SILLAGE_RING_MAGIC)
    return wrong("not a ring", offsetof(sillage_ring_header, magic));
  if (header.abi_major != SILLAGE_RING_ABI_MAJOR)
    return wrong("a ring of another release", offsetof(sillage_ring_header, abi_major),
                 Code::kUnsupported);
  RingOptions options;
  options.subbuf_bytes = ByteCount{header.subbuf_bytes};
  options.subbuf_count = header.subbuf_count;
  options.overwrite = (header.flags & SILLAGE_RING_OVERWRITE) != 0;
  options.one_for_all = header.index_count == 0;
  auto made = RingGeometry::make(options, options.one_for_all ? 1 : header.index_count);
  if (!made)
    return wrong(made.error().message.c_str(), offsetof(sillage_ring_header, subbuf_bytes));
  const RingGeometry& g = *made;
  if (header.subbuf_bytes != g.subbuf_bytes || header.subbuf_count != g.subbuf_count)
    return wrong("sub-buffers that cannot be", offsetof(sillage_ring_header, subbuf_bytes));
  if (header.stream_count != g.stream_count || header.streams_offset != g.streams_offset ||
      header.stream_stride != g.stream_stride || header.data_offset != g.data_offset ||
      header.data_stride != g.data_stride || header.total_bytes != g.total_bytes)
    return wrong("sizes that do not follow from its sub-buffers",
                 offsetof(sillage_ring_header, stream_count));
  if (static_cast<std::uint64_t>(status.st_size) != g.total_bytes)
    return wrong("it does not end where its header says", static_cast<std::size_t>(status.st_size));
  Fd own(::fcntl(file.value(), F_DUPFD_CLOEXEC, 0));
  if (!own) return fail_errno("cannot duplicate a descriptor");
  return map(std::move(own), g, MAP_PRIVATE | MAP_NORESERVE, true);
}

Ring::Ring(Ring&& other) noexcept { *this = std::move(other); }

Ring& Ring::operator=(Ring&& other) noexcept {
  if (this == &other) return *this;
  unmap();
  fd_ = std::move(other.fd_);
  memory_ = std::exchange(other.memory_, nullptr);
  geometry_ = other.geometry_;
  is_file_ = other.is_file_;
  guard_ = std::move(other.guard_);
  first_sequence_ = other.first_sequence_;
  first_event_ = other.first_event_;
  return *this;
}

Ring::~Ring() { unmap(); }

void Ring::unmap() {
  guard_ = {};
  if (memory_ != nullptr) ::munmap(memory_, static_cast<std::size_t>(geometry_.total_bytes));
  memory_ = nullptr;
}

StreamReader Ring::reader(std::uint32_t index) const {
  ReaderProgress start;
  start.sequence = start.floor = first_sequence_;
  start.accounted = first_event_;
  return reader(index, start);
}

StreamReader Ring::reader(std::uint32_t index, const ReaderProgress& progress) const {
  StreamReader reader(geometry_,
                      memory_ + geometry_.streams_offset + index * geometry_.stream_stride,
                      memory_ + geometry_.data_offset + index * geometry_.data_stride, progress);
  if (is_file_) reader.keep_memory();
  return reader;
}

std::uint32_t Ring::arm() const {
  sillage_ring_header* shared = header();
  const std::uint32_t value = __atomic_load_n(&shared->doorbell, __ATOMIC_RELAXED);
  // Full barrier: the streams looked at next must not be read before writers can see the ring
  // armed. Pairs with the exchange by which a writer takes `armed` behind its switch (src/probe).
  __atomic_exchange_n(&shared->armed, 1u, __ATOMIC_SEQ_CST);
  return value;
}

std::uint32_t Ring::release_locks(std::uint32_t registration) const {
  std::uint32_t released = 0;
  for (std::uint32_t i = geometry_.index_count; i < geometry_.stream_count; i++) {
    auto* stream = reinterpret_cast<sillage_ring_stream*>(memory_ + geometry_.streams_offset +
                                                          i * geometry_.stream_stride);
    std::uint64_t owner = __atomic_load_n(&stream->owner, __ATOMIC_ACQUIRE);
    if (owner == 0 || owner >> 32 != registration) continue;
    // By exchange: the stream may be another program's by now. Pairs with the writers' acquire of
    // the lock.
    if (__atomic_compare_exchange_n(&stream->owner, &owner, 0, false, __ATOMIC_RELEASE,
                                    __ATOMIC_RELAXED)) {
      released++;
    }
  }
  return released;
}

std::uint64_t Ring::resident_bytes(std::uint32_t index) const {
  return ring::resident_bytes(fd_.value(), geometry_.data_offset + index * geometry_.data_stride,
                              geometry_.data_stride);
}

Status Ring::discard_memory() const {
  // The control areas stay: a late writer then finds its stream as it was, and not one without a
  // beginning.
  if (::fallocate(fd_.value(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(geometry_.data_offset),
                  static_cast<off_t>(geometry_.total_bytes - geometry_.data_offset)) != 0)
    return fail_errno("freeing a ring's memory");
  return {};
}

}  // namespace sillage::ring
