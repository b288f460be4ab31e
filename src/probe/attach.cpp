// SPDX-License-Identifier: MIT
#include "probe/attach.hpp"

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
  } else {
    slot = static_cast<sillage_slot*>(allocate(sizeof(sillage_slot), true));
    if (slot == nullptr) return nullptr;
  }
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

/// What one attachment wants of the sites: their event record ids.
struct Channel {
  RingView* ring;
  // by site, 0 = not recorded, else id + 1; nullptr: broken, records nothing
  const std::uint32_t* ids;
};

bool is_wanted(const sillage_slot* slot, const Channel* channels, std::uint32_t count,
               std::uint32_t site) {
  for (std::uint32_t i = 0; i < count; i++) {
    if (channels[i].ring == slot->ring && channels[i].ids != nullptr &&
        channels[i].ids[site] == slot->id + 1)
      return true;
  }
  return false;
}

/// The slot of a site that records a channel, if there is one; else one that is inactive; else a new one.
sillage_slot* slot_for(sillage_site* site, sillage_domain domain, const RingView* ring,
                       std::uint32_t id) {
  sillage_slot* unused = nullptr;
  for (sillage_slot* slot = site->slots; slot != nullptr; slot = slot->next) {
    if (slot->serial == 0) {
      if (unused == nullptr) unused = slot;
    } else if (slot->domain == domain && slot->ring == ring && slot->id == id) {
      return slot;
    }
  }
  return unused != nullptr ? unused : append_slot(site);
}

void configure_site(sillage_site* site, std::uint32_t index, sillage_domain domain,
                    const Channel* channels, std::uint32_t count) {
  for (sillage_slot* slot = site->slots; slot != nullptr; slot = slot->next) {
    if (slot->serial != 0 && slot->domain == domain && !is_wanted(slot, channels, count, index))
      deactivate(slot);
  }
  for (std::uint32_t i = 0; i < count; i++) {
    if (channels[i].ids == nullptr || channels[i].ids[index] == 0) continue;
    std::uint32_t id = channels[i].ids[index] - 1;
    sillage_slot* slot = slot_for(site, domain, channels[i].ring, id);
    if (slot == nullptr) return;
    if (slot->serial != 0) continue;
    slot->ring = channels[i].ring;
    slot->id = id;
    slot->domain = domain;
    // Whoever reads this serial reads what stands above; a section that began with another one fails.
    std::uint32_t serial = new_serial();
    bool is_short = id < SILLAGE_RECORD_ID_EXTENDED && slot->ring->context_bytes == 0 &&
                    slot->ring->rseq_index_count != 0;
    __atomic_store_n(&slot->serial, serial, __ATOMIC_RELEASE);
    __atomic_store_n(&slot->short_serial, is_short ? serial : 0, __ATOMIC_RELEASE);
  }
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
  Channel channels[SILLAGE_APP_MAX_ATTACHMENTS];
  std::uint32_t count = 0;
  std::size_t ids_bytes = state->site_count * sizeof(std::uint32_t);
  const sillage_clock_page* clock = acquire_clock(reply->fds[0]);
  for (std::uint32_t i = 0; clock != nullptr && i < header.attachment_count; i++) {
    RingView* ring = acquire_ring(reply->fds[1 + 2 * i], header.attachments[i], clock);
    if (ring == nullptr) continue;
    channels[count++] = {ring, map_ids(reply->fds[2 + 2 * i], ids_bytes)};
  }
  for (std::uint32_t index = 0; index < state->site_count; index++) {
    sillage_site* site = state->sites[index];
    configure_site(site, index, domain, channels, count);
    bool is_open = static_cast<std::uint32_t>(gates_of(state)[index] >> (domain * 32)) != 0;
    if (site->slots == nullptr && is_open)
      append_slot(site);  // to remember that this gate was asked about
    if (site->slots != nullptr) set_applied(site->slots, domain, is_open ? header.generation : 0);
  }
  // The old rings last: until here some may have gone on recording.
  release_rings(state, domain);
  link.ring_count = count;
  for (std::uint32_t i = 0; i < count; i++) {
    link.rings[i] = channels[i].ring;
    if (channels[i].ids != nullptr) munmap(const_cast<std::uint32_t*>(channels[i].ids), ids_bytes);
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
