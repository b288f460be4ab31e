// SPDX-License-Identifier: MIT
#include "probe/app_context.hpp"

#include "abi/app_protocol.h"
#include "probe/context.hpp"
#include "probe/foreign_sites.h"
#include "probe/raw_syscall.hpp"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>

namespace sillage::probe {
namespace {

sillage_context_source g_source;

// Events that the application's code records while it is asked for a value have none themselves from this depth on.
constexpr std::uint32_t kMaxDepth = 3;
thread_local std::uint32_t t_depth;

// More than any sub-buffer takes of them, so that sizes fit where addresses have 32 bits.
constexpr std::uint64_t kMaxList = 64u << 20;
constexpr std::size_t kFrontBytes = SILLAGE_RECORD_EXTENDED_BYTES + kMaxContextBytes;

std::uint32_t take_value(const char* name, std::uint64_t ip, char* to, std::uint32_t room) {
  const sillage_context_source source = __atomic_load_n(&g_source, __ATOMIC_ACQUIRE);
  if (source != nullptr && t_depth < kMaxDepth) {
    t_depth++;
    const std::uint32_t bytes = source(name, reinterpret_cast<const void*>(ip), to, room);
    t_depth--;
    if (bytes != 0) return bytes;
  }
  if (room != 0) *to = SILLAGE_APP_CONTEXT_NONE;
  return 1;
}

/// Fills a list, as far as there is room; returns what the whole takes. `bytes`: of the values.
std::uint64_t fill(const RingView* ring, std::uint64_t ip, char* list, std::size_t room,
                   std::uint64_t* bytes) {
  std::uint64_t used = 0;
  *bytes = 0;
  for (std::uint32_t i = 0; i < ring->context_count; i++) {
    if (ring->contexts[i] < SILLAGE_CONTEXT_APP) continue;
    const std::uint64_t left = used + 4 < room ? room - used - 4 : 0;
    const std::uint32_t size =
        take_value(ring->app_contexts[ring->contexts[i] - SILLAGE_CONTEXT_APP], ip,
                   left == 0 ? nullptr : list + used + 4,
                   left > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(left));
    if (left >= size) std::memcpy(list + used, &size, 4);
    used += 4 + std::uint64_t{size};
    *bytes += size;
  }
  return used;
}

bool take_pages(ValueRoom* room, std::size_t bytes) {
#if defined(SYS_mmap2)
  constexpr long kMap = SYS_mmap2;
#else
  constexpr long kMap = SYS_mmap;
#endif
  const long memory = raw_syscall(kMap, 0, static_cast<long>(bytes), PROT_READ | PROT_WRITE,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory < 0 && memory > -4096) return false;
  room->pages = reinterpret_cast<char*>(memory);
  room->page_bytes = bytes;
  return true;
}

}  // namespace

const AppValues* take_app_values(const RingView* ring, std::uint64_t ip, ValueRoom* room) {
  const int saved = errno;
  // List and front, of which the values are in both.
  char* list = room->bytes;
  std::size_t list_room = (sizeof room->bytes - kFrontBytes) / 2;
  std::uint64_t bytes = 0;
  std::uint64_t used = fill(ring, ip, list, list_room, &bytes);
  // Longer the next time, perhaps: then once more.
  while (used > list_room && used <= kMaxList && bytes <= ring->subbuf_limit) {
    give_back(room);
    list_room = static_cast<std::size_t>(2 * used + 4096);
    if (!take_pages(room, 2 * list_room + kFrontBytes)) {
      errno = saved;
      return nullptr;
    }
    list = room->pages;
    used = fill(ring, ip, list, list_room, &bytes);
  }
  errno = saved;
  if (used > list_room || bytes > ring->subbuf_limit) {
    give_back(room);
    return nullptr;
  }
  room->values = {list, bytes, list + list_room};
  return &room->values;
}

void give_back(ValueRoom* room) {
  if (room->pages != nullptr)
    raw_syscall(SYS_munmap, address(room->pages), static_cast<long>(room->page_bytes));
  room->pages = nullptr;
}

char* write_app_value(char* to, const char** list) {
  std::uint32_t bytes;
  std::memcpy(&bytes, *list, 4);
  std::memcpy(to, *list + 4, bytes);
  *list += 4 + bytes;
  return to + bytes;
}

}  // namespace sillage::probe

extern "C" void sillage_bring_contexts(sillage_context_source source) {
  __atomic_store_n(&sillage::probe::g_source, source, __ATOMIC_RELEASE);
}
