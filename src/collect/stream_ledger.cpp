// SPDX-License-Identifier: MIT
#include "collect/stream_ledger.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

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

Result<StreamLedger> StreamLedger::map(Fd memory, std::uint32_t stream_count) {
  const std::size_t bytes = stream_count * sizeof(Page);
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory.value(), 0);
  if (mapped == MAP_FAILED) return fail_errno("mapping the ledger of a ring");
  return StreamLedger(std::move(memory), static_cast<std::byte*>(mapped), bytes);
}

Result<StreamLedger> StreamLedger::create(std::uint32_t stream_count) {
  Fd fd(::memfd_create("sillage-ledger", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  // Taken now, a lack of memory is an error, not a SIGBUS.
  if (!fd || ::fallocate(fd.value(), 0, 0, static_cast<off_t>(stream_count * sizeof(Page))) != 0)
    return fail_errno("memory for the ledger of a ring");
  if (::fcntl(fd.value(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    return fail_errno("sealing the ledger of a ring");
  return place(std::move(fd), stream_count);
}

Result<StreamLedger> StreamLedger::place(Fd memory, std::uint32_t stream_count) {
  auto ledger = map(std::move(memory), stream_count);
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
  auto ledger = map(std::move(memory), stream_count);
  if (!ledger) return ledger;
  for (std::uint32_t i = 0; i < stream_count; ++i) {
    const Page& page = ledger->page(i);
    if (page.magic != kMagic || page.bytes != sizeof(Page) || page.selected > 1)
      return fail(Code::kCorrupt, "a ledger that is none");
  }
  return ledger;
}

StreamLedger::StreamLedger(StreamLedger&& other) noexcept { *this = std::move(other); }

StreamLedger& StreamLedger::operator=(StreamLedger&& other) noexcept {
  if (this == &other) return *this;
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
  fd_ = std::move(other.fd_);
  memory_ = std::exchange(other.memory_, nullptr);
  bytes_ = other.bytes_;
  return *this;
}

StreamLedger::~StreamLedger() {
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
