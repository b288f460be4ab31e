// SPDX-License-Identifier: MIT
#include "probe/state_dump.hpp"

#include "probe/context.hpp"
#include "probe/filter_machine.hpp"
#include "probe/loaded_objects.hpp"
#include "probe/process.hpp"
#include "probe/raw_syscall.hpp"
#include "probe/strings.hpp"
#include "probe/writer.hpp"

#include <sys/prctl.h>

#include <cstring>

namespace sillage::probe {
namespace {

constexpr std::uint8_t kDebugLine =
    13;  // TRACE_DEBUG_LINE, which LTTng-UST's events have that name none
constexpr std::uint8_t kAddressBytes = sizeof(void*);

constexpr sillage_field number(const char* name, std::uint8_t size, std::uint8_t base = 10) {
  return {name, nullptr, nullptr, 0, 0, SILLAGE_KIND_INTEGER, size, 0, base, 0};
}
constexpr sillage_field text(const char* name) {
  return {name, nullptr, nullptr, 0, 0, SILLAGE_KIND_STRING, 1, 0, 10, 0};
}
constexpr sillage_field kBaddr = number("baddr", kAddressBytes, 16);
constexpr std::uint32_t kProcnameBytes = 17;

constexpr sillage_field kBinInfo[] = {kBaddr,
                                      number("memsz", 8),
                                      text("path"),
                                      number("is_pic", 1),
                                      number("has_build_id", 1),
                                      number("has_debug_link", 1)};
constexpr sillage_field kLoad[] = {kBaddr, number("memsz", 8), text("path"),
                                   number("has_build_id", 1), number("has_debug_link", 1)};
// Its length as wide as LTTng-UST's size_t.
constexpr sillage_field kBuildId[] = {
    kBaddr, {"build_id", nullptr, nullptr, 0, kAddressBytes, SILLAGE_KIND_SEQUENCE, 1, 0, 16, 0}};
constexpr sillage_field kDebugLink[] = {kBaddr, number("crc", 4), text("filename")};
constexpr sillage_field kProcname[] = {
    {"procname", nullptr, nullptr, 0, kProcnameBytes, SILLAGE_KIND_TEXT_ARRAY, 1, 0, 10, 0}};
constexpr sillage_field kUnload[] = {kBaddr};

constexpr sillage_event event(const char* provider, const char* name, const sillage_field* fields,
                              std::uint16_t count) {
  return {provider, name, "state_dump.cpp", nullptr, fields, 0, count, kDebugLine, 0};
}
template <std::size_t kCount>
constexpr sillage_event event(const char* provider, const char* name,
                              const sillage_field (&fields)[kCount]) {
  return event(provider, name, fields, static_cast<std::uint16_t>(kCount));
}
constexpr char kDump[] = "lttng_ust_statedump";
constexpr char kLib[] = "lttng_ust_lib";

enum SiteIndex : std::uint32_t {
  kStart,
  kBinInfoSite,
  kBuildIdSite,
  kDebugLinkSite,
  kProcnameSite,
  kEnd,
  kLibLoad,
  kLibBuildId,
  kLibDebugLink,
  kLibUnload,
  kSiteCount
};
constexpr sillage_event kEvents[kSiteCount] = {
    event(kDump, "start", nullptr, 0),
    event(kDump, "bin_info", kBinInfo),
    event(kDump, "build_id", kBuildId),
    event(kDump, "debug_link", kDebugLink),
    event(kDump, "procname", kProcname),
    event(kDump, "end", nullptr, 0),
    event(kLib, "load", kLoad),
    event(kLib, "build_id", kBuildId),
    event(kLib, "debug_link", kDebugLink),
    event(kLib, "unload", kUnload),
};

const std::uint64_t kClosedGate = 0;
sillage_site g_sites[kSiteCount];
sillage_site* g_site_list[kSiteCount];
sillage_image g_image;

// Under the library's lock: too large for a signal stack.
ObjectWalk g_walk;
ObjectDetails g_details;

/// An object that collectors have been told of, or will be with the next dump.
struct Known {
  std::uintptr_t base;
  std::uint64_t memory_bytes, device, inode;
  std::uint32_t seen;  // in which look
};
Known* g_known;
std::uint32_t g_known_count, g_known_room;
std::uint32_t g_look;

enum class To : std::uint8_t { kWanting, kAll };

/// Records an event on the channels that want a dump, or on all.
void record(SiteIndex index, To to, const sillage_part* parts, std::uint32_t count,
            std::uint64_t ip) {
  constexpr std::uint32_t kRoom = 8;
  for (sillage_slot* slot = g_sites[index].slots; slot != nullptr; slot = slot->next) {
    const std::uint32_t serial = __atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE);
    if (serial == 0) continue;
    const RingView* ring = slot->ring;
    if (to == To::kWanting && ring->wanted_dump == ring->done_dump) continue;
    if (slot->filter != nullptr &&
        !filter_accepts(slot->filter, FilterEvent{slot->event, parts, count, ring, ip})) {
      count_rejected(ring);
      continue;
    }
    Piece pieces[kRoom];
    std::uint64_t total = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      pieces[i] = measure(parts[i]);
      total += pieces[i].bytes;
    }
    record_slow(slot, Payload{pieces, count, total, ip, serial});
  }
}

template <class T>
sillage_part bytes_of(const T& value) {
  return {&value, sizeof value, SILLAGE_PART_BYTES};
}
sillage_part string_of(const char* value) { return {value, UINT32_MAX, SILLAGE_PART_STRING}; }

std::uint64_t here() {
  // Any address of this library.
  return reinterpret_cast<std::uintptr_t>(&dump_state_if_wanted);
}

/// What is told of an object, in either way.
struct Telling {
  To to;
  SiteIndex object, build_id, debug_link;
  std::uint64_t ip;
};

void tell(const LoadedObject& object, const Telling& how) {
  const std::uintptr_t base = object.base;
  const std::uint8_t is_pic = object.is_pic ? 1 : 0;
  const std::uint8_t has_build_id = g_details.build_id_bytes != 0 ? 1 : 0;
  const std::uint8_t has_debug_link = g_details.debug_link[0] != 0 ? 1 : 0;
  sillage_part parts[6] = {bytes_of(base), bytes_of(object.memory_bytes), string_of(object.path),
                           bytes_of(is_pic)};
  std::uint32_t count = how.object == kBinInfoSite ? 4 : 3;
  parts[count++] = bytes_of(has_build_id);
  parts[count++] = bytes_of(has_debug_link);
  record(how.object, how.to, parts, count, how.ip);
  if (has_build_id != 0) {
    const std::size_t length = g_details.build_id_bytes;
    const sillage_part all[] = {bytes_of(base),
                                bytes_of(length),
                                {g_details.build_id, g_details.build_id_bytes, SILLAGE_PART_BYTES}};
    record(how.build_id, how.to, all, 3, how.ip);
  }
  if (has_debug_link != 0) {
    const sillage_part all[] = {bytes_of(base), bytes_of(g_details.debug_link_crc),
                                string_of(g_details.debug_link)};
    record(how.debug_link, how.to, all, 3, how.ip);
  }
}

Known* find_known(const LoadedObject& object) {
  for (std::uint32_t i = 0; i < g_known_count; ++i) {
    Known& known = g_known[i];
    if (known.base == object.base && known.memory_bytes == object.memory_bytes &&
        known.device == object.device && known.inode == object.inode)
      return &known;
  }
  return nullptr;
}

/// Notes that an object has been seen in this look; whether it is new.
bool note(const LoadedObject& object) {
  if (Known* known = find_known(object); known != nullptr) {
    known->seen = g_look;
    return false;
  }
  if (g_known_count == g_known_room) {
    const std::uint32_t room = g_known_room == 0 ? 64 : g_known_room * 2;
    auto* more = static_cast<Known*>(allocate(room * sizeof(Known), false));
    if (more == nullptr) return false;
    if (g_known_count != 0) std::memcpy(more, g_known, g_known_count * sizeof(Known));
    g_known = more;
    g_known_room = room;
  }
  g_known[g_known_count++] = {object.base, object.memory_bytes, object.device, object.inode,
                              g_look};
  return true;
}

/// Forgets what this look has not seen, and tells of it; whether there was any.
bool drop_unseen(std::uint64_t ip) {
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < g_known_count; ++i) {
    const Known known = g_known[i];
    if (known.seen == g_look) {
      g_known[kept++] = known;
      continue;
    }
    const sillage_part parts[] = {bytes_of(known.base)};
    record(kLibUnload, To::kAll, parts, 1, ip);
  }
  const bool is_any = kept != g_known_count;
  g_known_count = kept;
  return is_any;
}

/// One look at all objects; those that are not known yet are told as new to all if `tells_changes`, and all of them are
/// dumped if `is_dump`. Whether one has gone.
bool look(bool tells_changes, bool is_dump, std::uint64_t ip) {
  ++g_look;
  g_walk.open();
  bool has_any = false;
  while (const LoadedObject* object = g_walk.next()) {
    has_any = true;
    const bool is_new = note(*object) && tells_changes;
    if (!is_new && !is_dump) continue;
    g_walk.read_details(&g_details);
    if (is_new) tell(*object, {To::kAll, kLibLoad, kLibBuildId, kLibDebugLink, ip});
    if (is_dump) tell(*object, {To::kWanting, kBinInfoSite, kBuildIdSite, kDebugLinkSite, ip});
  }
  g_walk.close();
  // None at all: there is no /proc, and nothing is known of what went.
  return has_any && drop_unseen(ip);
}

bool is_dump_wanted(const ImageState* state) {
  for (const auto& link : state->links) {
    for (std::uint32_t i = 0; i < link.ring_count; ++i)
      if (link.rings[i]->wanted_dump != link.rings[i]->done_dump) return true;
  }
  return false;
}

void dump_name(std::uint64_t ip) {
  char name[kProcnameBytes] = {};
  raw_syscall(SYS_prctl, PR_GET_NAME, address(name));
  const sillage_part parts[] = {bytes_of(name)};
  record(kProcnameSite, To::kWanting, parts, 1, ip);
}

}  // namespace

bool are_changes_recorded() {
  for (std::uint32_t i = kLibLoad; i < kSiteCount; ++i) {
    for (const sillage_slot* slot = g_sites[i].slots; slot != nullptr; slot = slot->next)
      if (__atomic_load_n(&slot->serial, __ATOMIC_ACQUIRE) != 0) return true;
  }
  return false;
}

sillage_image* state_image() {
  if (g_image.begin == nullptr) {
    for (std::uint32_t i = 0; i < kSiteCount; ++i) {
      g_sites[i].gate = &kClosedGate;
      g_sites[i].event = &kEvents[i];
      g_site_list[i] = &g_sites[i];
    }
    g_image = {g_site_list, g_site_list + kSiteCount, nullptr, &kClosedGate};
  }
  return &g_image;
}

void dump_state_if_wanted(const ImageState* state) {
  if (state == nullptr || !is_dump_wanted(state)) return;
  const std::uint64_t ip = here();
  record(kStart, To::kWanting, nullptr, 0, ip);
  if (g_startup.dumps_name) dump_name(ip);
  // The first look has nothing to compare with.
  if (g_startup.dumps_objects) (void)look(g_known_count != 0, true, ip);
  record(kEnd, To::kWanting, nullptr, 0, ip);
  for (const auto& link : state->links) {
    for (std::uint32_t i = 0; i < link.ring_count; ++i)
      link.rings[i]->done_dump = link.rings[i]->wanted_dump;
  }
}

void forget_dumps(const ImageState* state) {
  if (state == nullptr) return;
  for (const auto& link : state->links) {
    for (std::uint32_t i = 0; i < link.ring_count; ++i) link.rings[i]->done_dump = 0;
  }
}

bool record_object_changes(const ImageState* state, std::uint64_t ip) {
  if (state == nullptr || g_known_count == 0 || !are_changes_recorded()) return false;
  return look(true, false, ip);
}

}  // namespace sillage::probe
