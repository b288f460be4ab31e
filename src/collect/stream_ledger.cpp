// SPDX-License-Identifier: MIT
#include "collect/stream_ledger.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstring>
#include <new>
#include <string>
#include <utility>

namespace sillage::collect {
namespace {

constexpr std::uint64_t kMagic = 0x3165676464656c73;  // "sleddge1"

}  // namespace

// Of one stream. `selected` says which half is true; the other is what is to be.
struct StreamLedger::Page {
  std::uint64_t magic = kMagic;
  std::uint64_t bytes = sizeof(Page);  // differs between releases with different structures
  std::uint64_t selected = 0;
  StreamProgress halves[2];
};

Result<StreamLedger> StreamLedger::map(Fd memory, std::uint32_t stream_count, int sharing) {
  const std::size_t bytes = stream_count * sizeof(Page);
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, sharing, memory.value(), 0);
  if (mapped == MAP_FAILED) return fail_errno("mapping the ledger of a ring");
  struct stat status {};
  const bool is_safe = ::fstat(memory.value(), &status) != 0 || !S_ISREG(status.st_mode) ||
                       ring::is_sealed(memory.value());
  StreamLedger ledger(std::move(memory), static_cast<std::byte*>(mapped), bytes);
  if (is_safe) return ledger;
  // Cut short, it is noted in private memory and lost to who comes next; reading goes on.
  auto guard = ring::BusGuard::watch(mapped, bytes);
  if (!guard) return tl::unexpected(std::move(guard).error());
  ledger.guard_ = *std::move(guard);
  return ledger;
}

Result<StreamLedger> StreamLedger::create(std::uint32_t stream_count,
                                          const ring::MemoryPlace& place) {
  auto fd = ring::make_memory(place, "sillage-ledger", memory_bytes(stream_count));
  if (!fd) return tl::unexpected(std::move(fd).error());
  // Taken now, a lack of memory is an error, not a SIGBUS.
  if (!place.is_file() &&
      ::fallocate(fd->value(), 0, 0, static_cast<off_t>(memory_bytes(stream_count))) != 0)
    return fail_errno("memory for the ledger of a ring");
  return StreamLedger::place(*std::move(fd), stream_count);
}

Result<StreamLedger> StreamLedger::place(Fd memory, std::uint32_t stream_count) {
  auto ledger = map(std::move(memory), stream_count, MAP_SHARED);
  if (!ledger) return ledger;
  for (std::uint32_t i = 0; i < stream_count; ++i) new (&ledger->page(i)) Page;
  return ledger;
}

std::uint64_t StreamLedger::memory_bytes(std::uint32_t stream_count) {
  return stream_count * sizeof(Page);
}

Result<StreamLedger> StreamLedger::open(Fd memory, std::uint32_t stream_count) {
  struct stat status {};
  if (::fstat(memory.value(), &status) != 0) return fail_errno("cannot look at a ledger");
  // Of a map of the kernel's, mmap sees to it.
  if (S_ISREG(status.st_mode) &&
      static_cast<std::uint64_t>(status.st_size) != memory_bytes(stream_count))
    return fail(Code::kUnsupported, "a ledger of another release");
  auto ledger = map(std::move(memory), stream_count, MAP_SHARED);
  if (!ledger) return ledger;
  for (std::uint32_t i = 0; i < stream_count; ++i) {
    const Page& page = ledger->page(i);
    if (page.magic != kMagic || page.bytes != sizeof(Page) || page.selected > 1)
      return fail(Code::kCorrupt, "a ledger that is none");
  }
  return ledger;
}

Result<StreamLedger> StreamLedger::open_remains(const Fd& file, std::uint32_t stream_count,
                                                const std::string& name) {
  struct stat status {};
  if (::fstat(file.value(), &status) != 0) return fail_errno("cannot look at " + name);
  if (!S_ISREG(status.st_mode) ||
      static_cast<std::uint64_t>(status.st_size) != memory_bytes(stream_count))
    return fail(Code::kUnsupported, "not the size of its ring's ledger, or of another release",
                name + "@" + std::to_string(status.st_size));
  Fd own(::fcntl(file.value(), F_DUPFD_CLOEXEC, 0));
  if (!own) return fail_errno("cannot duplicate a descriptor");
  auto ledger = map(std::move(own), stream_count, MAP_PRIVATE);
  if (!ledger) return ledger;
  for (std::uint32_t i = 0; i < stream_count; ++i) {
    // A copy of bytes, as what is no bool must not become one.
    unsigned char bytes[sizeof(Page)];
    std::memcpy(bytes, &ledger->page(i), sizeof bytes);
    const auto wrong = [&](const char* what, std::size_t offset) {
      return fail(Code::kCorrupt, what, name + "@" + std::to_string(i * sizeof(Page) + offset));
    };
    std::uint64_t head[3];
    std::memcpy(head, bytes, sizeof head);
    if (head[0] != kMagic) return wrong("not a ledger", offsetof(Page, magic));
    if (head[1] != sizeof(Page)) return wrong("of another release", offsetof(Page, bytes));
    if (head[2] > 1) return wrong("a half that is not there", offsetof(Page, selected));
    for (std::size_t half = 0; half < 2; ++half) {
      const std::size_t reader =
          offsetof(Page, halves) + half * sizeof(StreamProgress) + offsetof(StreamProgress, reader);
      for (const std::size_t flag : {offsetof(ring::ReaderProgress, is_placed),
                                     offsetof(ring::ReaderProgress, skips_corrupt)})
        if (bytes[reader + flag] > 1) return wrong("neither true nor false", reader + flag);
    }
  }
  return ledger;
}

StreamLedger::StreamLedger(StreamLedger&& other) noexcept { *this = std::move(other); }

StreamLedger& StreamLedger::operator=(StreamLedger&& other) noexcept {
  if (this == &other) return *this;
  guard_ = {};
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
  guard_ = std::move(other.guard_);
  fd_ = std::move(other.fd_);
  memory_ = std::exchange(other.memory_, nullptr);
  bytes_ = other.bytes_;
  return *this;
}

StreamLedger::~StreamLedger() {
  guard_ = {};
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

StreamLedger::Page& StreamLedger::page(std::uint32_t stream) const {
  return reinterpret_cast<Page*>(memory_)[stream];
}

void StreamLedger::announce(std::uint32_t stream, const StreamProgress& after) {
  Page& each = page(stream);
  each.halves[1 - each.selected] = after;
}

// A killed process's stores are all there, in their order; only the compiler could turn them round.
void StreamLedger::settle(std::uint32_t stream) {
  Page& each = page(stream);
  __atomic_store_n(&each.selected, 1 - each.selected, __ATOMIC_RELEASE);
}

const StreamProgress& StreamLedger::settled(std::uint32_t stream) const {
  const Page& each = page(stream);
  return each.halves[each.selected];
}

// The other half may be half a copy: then no packet of its number was begun. Or what was settled before: an earlier packet.
const StreamProgress* StreamLedger::announced(std::uint32_t stream) const {
  const Page& each = page(stream);
  const StreamProgress& other = each.halves[1 - each.selected];
  return other.recorder.packet > settled(stream).recorder.packet ? &other : nullptr;
}

}  // namespace sillage::collect
