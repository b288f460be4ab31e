// SPDX-License-Identifier: MIT
#include "probe/app_context.hpp"

#include "abi/app_protocol.h"
#include "probe/context.hpp"
#include "probe/filter_program.hpp"
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

/// The application contexts of a ring, in the order of its contexts.
struct RingNames {
  const RingView* ring;
  [[nodiscard]] std::uint32_t count() const { return ring->context_count; }
  [[nodiscard]] const char* at(std::uint32_t index) const {
    const std::uint8_t context = ring->contexts[index];
    return context < SILLAGE_CONTEXT_APP || context >= SILLAGE_CONTEXT_APP_END
               ? nullptr
               : ring->app_contexts[context - SILLAGE_CONTEXT_APP];
  }
};

/// Those of a filter, in the order of its fields.
struct FilterNames {
  const Filter* filter;
  [[nodiscard]] std::uint32_t count() const { return filter->field_count; }
  [[nodiscard]] const char* at(std::uint32_t index) const {
    const sillage_filter_field& field = filter->fields[index];
    return field.kind != SILLAGE_FILTER_APP_VALUE
               ? nullptr
               : filter->text + filter->literals[field.offset].offset;
  }
};

/// Fills a list, as far as there is room; returns what the whole takes. `bytes`: of the values.
template <class Names>
std::uint64_t fill(const Names& names, std::uint64_t ip, char* list, std::size_t room,
                   std::uint64_t* bytes) {
  std::uint64_t used = 0;
  *bytes = 0;
  for (std::uint32_t i = 0; i < names.count(); i++) {
    const char* const name = names.at(i);
    if (name == nullptr) continue;
    const std::uint64_t left = used + 4 < room ? room - used - 4 : 0;
    const std::uint32_t size =
        take_value(name, ip, left == 0 ? nullptr : list + used + 4,
                   left > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(left));
    if (left >= size) std::memcpy(list + used, &size, 4);
    used += 4 + std::uint64_t{size};
    *bytes += size;
  }
  return used;
}

bool take_room(ValueRoom* room, std::size_t bytes) {
  auto* memory = static_cast<char*>(take_pages(bytes));
  if (memory == nullptr) return false;
  room->pages = memory;
  room->page_bytes = bytes;
  return true;
}

/// Fills room->values with what has `most` bytes at most, `copies` times its size, and `more` bytes behind the list. False: they
/// have more, or there is no memory.
template <class Names>
bool take(const Names& names, std::uint64_t ip, std::uint64_t most, std::size_t more,
          std::size_t copies, ValueRoom* room) {
  const int saved = errno;
  char* list = room->bytes;
  std::size_t list_room = (sizeof room->bytes - more) / copies;
  std::uint64_t bytes = 0;
  std::uint64_t used = fill(names, ip, list, list_room, &bytes);
  // Longer the next time, perhaps: then once more.
  while (used > list_room && used <= kMaxList && bytes <= most) {
    give_back(room);
    list_room = static_cast<std::size_t>(2 * used + 4096);
    if (!take_room(room, copies * list_room + more)) {
      errno = saved;
      return false;
    }
    list = room->pages;
    used = fill(names, ip, list, list_room, &bytes);
  }
  errno = saved;
  if (used > list_room || bytes > most) {
    give_back(room);
    return false;
  }
  room->values = {list, bytes, list + list_room};
  return true;
}

}  // namespace

const AppValues* take_app_values(const RingView* ring, std::uint64_t ip, ValueRoom* room) {
  // List and front, of which the values are in both.
  return take(RingNames{ring}, ip, ring->subbuf_limit, kFrontBytes, 2, room) ? &room->values
                                                                             : nullptr;
}

const char* take_filter_values(const Filter* filter, std::uint64_t ip, ValueRoom* room) {
  return take(FilterNames{filter}, ip, kMaxList, 0, 1, room) ? room->values.list : nullptr;
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
