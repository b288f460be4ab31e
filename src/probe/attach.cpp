// SPDX-License-Identifier: MIT
#include "probe/attach.hpp"

#include "probe/filter_table.hpp"
#include "probe/process.hpp"
#include "probe/raw_syscall.hpp"
#include "probe/ring_map.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace sillage::probe {
namespace {

std::uint32_t g_last_slot_serial;
sillage_slot* g_free_slots;

std::uint32_t new_serial() {
  if (++g_last_slot_serial == 0) ++g_last_slot_serial;
  return g_last_slot_serial;
}

/// A slot at the end of a site's chain.
sillage_slot* append_slot(sillage_site* site) {
  sillage_slot* slot = g_free_slots;
  if (slot != nullptr) {
    g_free_slots = slot->next;
    slot->next = nullptr;
    slot->applied = 0;
    slot->chain_filters = 0;
  } else {
    slot = static_cast<sillage_slot*>(allocate(sizeof(sillage_slot), true));
    if (slot == nullptr) return nullptr;
  }
  slot->event = site->event;
  sillage_slot** end = &site->slots;
  while (*end != nullptr) end = &(*end)->next;
  // Pairs with the acquire load in current_slots(): the slot is inactive and whole before it is seen.
  __atomic_store_n(end, slot, __ATOMIC_RELEASE);
  return slot;
}

void deactivate(sillage_slot* slot) {
  __atomic_store_n(&slot->short_serial, 0, __ATOMIC_RELEASE);
  __atomic_store_n(&slot->serial, 0, __ATOMIC_RELEASE);
}

std::uint64_t half_of(sillage_domain domain, std::uint32_t generation) {
  return std::uint64_t{generation} << (domain * 32);
}

void set_applied(sillage_slot* first, sillage_domain domain, std::uint32_t generation) {
  std::uint64_t others = first->applied & ~half_of(domain, UINT32_MAX);
  __atomic_store_n(&first->applied, others | half_of(domain, generation), __ATOMIC_RELEASE);
}

/// One attachment.
struct Channel {
  RingView* ring;
  // by site, 0 = not recorded, else id + 1; nullptr: broken, records nothing
  const std::uint32_t* ids;
  FilterTable filters;
  bool has_filters;
};

/// What one channel wants of one site.
struct Wish {
  RingView* ring;
  const Filter* filter;
  std::uint32_t id;
};

// Under the library's lock: too large for a signal stack.
Channel g_channels[SILLAGE_APP_MAX_ATTACHMENTS];
Wish g_wishes[SILLAGE_APP_MAX_ATTACHMENTS];

/// Collects in g_wishes what the first channels of g_channels want of a site.
std::uint32_t collect_wishes(std::uint32_t channel_count, std::uint32_t site) {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < channel_count; i++) {
    const Channel& channel = g_channels[i];
    if (channel.ids == nullptr || channel.ids[site] == 0) continue;
    SiteFilter filter = {true, nullptr};
    if (channel.has_filters) filter = find_filter(channel.filters, site);
    if (filter.is_sound) g_wishes[count++] = {channel.ring, filter.filter, channel.ids[site] - 1};
  }
  return count;
}

bool has(const sillage_slot* slot, const Wish& wish) {
  return slot->ring == wish.ring && slot->id == wish.id && slot->filter == wish.filter;
}

/// The slot of a site that does what is wished, if there is one; else one that is inactive; else a new one.
sillage_slot* slot_for(sillage_site* site, sillage_domain domain, const Wish& wish) {
  sillage_slot* unused = nullptr;
  for (sillage_slot* slot = site->slots; slot != nullptr; slot = slot->next) {
    if (slot->serial == 0) {
      if (unused == nullptr) unused = slot;
    } else if (slot->domain == domain && has(slot, wish)) {
      return slot;
    }
  }
  return unused != nullptr ? unused : append_slot(site);
}

void configure_site(sillage_site* site, sillage_domain domain, std::uint32_t wish_count) {
  bool has_filter = false;
  for (sillage_slot* slot = site->slots; slot != nullptr; slot = slot->next) {
    bool is_wanted = false;
    for (std::uint32_t i = 0; i < wish_count && !is_wanted; i++) is_wanted = has(slot, g_wishes[i]);
    if (slot->serial != 0 && slot->domain == domain && !is_wanted) deactivate(slot);
    has_filter = has_filter || (slot->serial != 0 && slot->filter != nullptr);
  }
  for (std::uint32_t i = 0; i < wish_count; i++)
    has_filter = has_filter || g_wishes[i].filter != nullptr;
  for (std::uint32_t i = 0; i < wish_count; i++) {
    const Wish& wish = g_wishes[i];
    sillage_slot* slot = slot_for(site, domain, wish);
    if (slot == nullptr) return;
    if (slot->serial != 0) continue;
    // Before the serial: who finds this slot active finds that there are filters.
    if (has_filter) __atomic_store_n(&site->slots->chain_filters, 1, __ATOMIC_RELAXED);
    slot->ring = wish.ring;
    slot->id = wish.id;
    slot->domain = domain;
    slot->filter = wish.filter;
    slot->is_short = wish.id < SILLAGE_RECORD_ID_EXTENDED && wish.ring->context_bytes == 0 &&
                     wish.ring->rseq_index_count != 0;
    // Whoever reads this serial reads what stands above; a section that began with another one fails.
    std::uint32_t serial = new_serial();
    __atomic_store_n(&slot->serial, serial, __ATOMIC_RELEASE);
    const bool takes_short_way = slot->is_short != 0 && wish.filter == nullptr;
    __atomic_store_n(&slot->short_serial, takes_short_way ? serial : 0, __ATOMIC_RELEASE);
  }
  if (site->slots != nullptr)
    __atomic_store_n(&site->slots->chain_filters, has_filter, __ATOMIC_RELAXED);
}

const std::uint32_t* map_ids(int fd, std::size_t bytes) {
  off_t size = lseek(fd, 0, SEEK_END);
  if (size < 0 || static_cast<std::uint64_t>(size) < bytes) return nullptr;
  void* memory = mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<const std::uint32_t*>(memory);
}

}  // namespace

void apply_reply(ImageState* state, sillage_domain domain, Reply* reply) {
  const sillage_app_reply& header = reply->header();
  ImageState::Link& link = state->links[domain];
  link.token = header.image_token;
  fork_wiped()->registration[domain] = header.registration;
  std::uint32_t count = 0, used = 1;
  std::size_t ids_bytes = state->site_count * sizeof(std::uint32_t);
  const sillage_clock_page* clock = acquire_clock(reply->fds[0]);
  const auto* names = reinterpret_cast<const char*>(&header.attachments[header.attachment_count]);
  const char* names_end = reply->bytes + header.header.bytes;
  for (std::uint32_t i = 0; clock != nullptr && i < header.attachment_count; i++) {
    const bool has_filters = (header.attachments[i].flags & SILLAGE_APP_HAS_FILTERS) != 0;
    const int* fds = &reply->fds[used];
    used += has_filters ? 3 : 2;
    RingView* ring = acquire_ring(fds[0], header.attachments[i], clock, &names, names_end);
    if (ring == nullptr) continue;
    ring->wanted_dump = header.attachments[i].state_dump;
    g_channels[count++] = {ring, map_ids(fds[1], ids_bytes),
                           has_filters ? map_filters(fds[2]) : FilterTable{}, has_filters};
  }
  for (std::uint32_t index = 0; index < state->site_count; index++) {
    sillage_site* site = state->sites[index];
    configure_site(site, domain, collect_wishes(count, index));
    bool is_open = static_cast<std::uint32_t>(gates_of(state)[index] >> (domain * 32)) != 0;
    if (site->slots == nullptr && is_open)
      append_slot(site);  // to remember that this gate was asked about
    if (site->slots != nullptr) set_applied(site->slots, domain, is_open ? header.generation : 0);
  }
  // The old rings last: until here some may have gone on recording.
  release_rings(state, domain);
  link.ring_count = count;
  for (std::uint32_t i = 0; i < count; i++) {
    const Channel& channel = g_channels[i];
    link.rings[i] = channel.ring;
    if (channel.ids != nullptr) munmap(const_cast<std::uint32_t*>(channel.ids), ids_bytes);
    unmap_filters(channel.filters);
  }
  link.generation = header.generation;
  for (std::uint32_t i = 0; i < reply->fd_count; i++) raw_syscall(SYS_close, reply->fds[i]);
  reply->fd_count = 0;
}

void close_site(sillage_site* site, sillage_domain domain) {
  for (sillage_slot* slot = site->slots; slot != nullptr; slot = slot->next) {
    if (slot->domain == domain) deactivate(slot);
  }
  if (site->slots != nullptr) set_applied(site->slots, domain, 0);
}

void discard_slots(sillage_site* site) {
  sillage_slot* slot = site->slots;
  site->slots = nullptr;
  while (slot != nullptr) {
    sillage_slot* next = slot->next;
    deactivate(slot);
    slot->next = g_free_slots;
    g_free_slots = slot;
    slot = next;
  }
}

void release_rings(ImageState* state, sillage_domain domain) {
  ImageState::Link& link = state->links[domain];
  for (std::uint32_t i = 0; i < link.ring_count; i++) release_ring(link.rings[i]);
  link.ring_count = 0;
}

}  // namespace sillage::probe
