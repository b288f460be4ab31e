// SPDX-License-Identifier: MIT
#include "probe/image.hpp"

#include "probe/attach.hpp"
#include "probe/catalog_writer.hpp"
#include "probe/clock.hpp"
#include "probe/collector_link.hpp"
#include "probe/context.hpp"
#include "probe/foreign_sites.h"
#include "probe/process.hpp"
#include "probe/raw_syscall.hpp"
#include "probe/state_dump.hpp"
#include "probe/thread_counters.hpp"

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <linux/futex.h>
#include <linux/stat.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace sillage::probe {
namespace {

constexpr std::uint64_t kRetryAfterFailureNs = 1'000'000'000;
constexpr std::uint64_t kRetryAfterReplyNs = 1'000'000;

// One lock for everything that changes which images, rings and slots there are: the thread that has it. Events wait for it
// only where their site's configuration is new, and not for long.
std::uint32_t g_lock;
ImageState* g_images;       // registered
ImageState* g_free_images;  // of objects that were unloaded
bool g_watches_fork;
// How often events still look for an object that is about to be unmapped. A program that ends unmaps none.
constexpr std::uint32_t kMaxUnloadLooks = 8;
std::uint32_t g_unload_looks;
// While that is so and nobody holds the lock, what the first slots of sites say to be applied has this bit the other way round.
constexpr std::uint64_t kMark = std::uint64_t{1} << 63;
bool g_are_marked;
// The gate of every site in a fork child until its first event there, which sets the child up.
const std::uint64_t kTripwireGate = UINT64_MAX;
std::uint32_t g_waited_ms;  // by registrations that had no answer, since the last that had
Reply g_reply;              // under the lock: too large for a signal stack

/// Makes the slots of all sites look as if their gates had changed, or takes that back.
void toggle_marks() {
  for (ImageState* state = g_images; state != nullptr; state = state->next) {
    for (std::uint32_t i = 0; i < state->site_count; i++) {
      sillage_slot* first = state->sites[i]->slots;
      if (first != nullptr)
        __atomic_store_n(&first->applied, first->applied ^ kMark, __ATOMIC_RELEASE);
    }
  }
}

/// Of the calling thread.
std::uint32_t own_id() { return static_cast<std::uint32_t>(raw_syscall(SYS_gettid)); }

bool try_lock() {
  std::uint32_t free = 0;
  if (!__atomic_compare_exchange_n(&g_lock, &free, own_id(), false, __ATOMIC_ACQUIRE,
                                   __ATOMIC_RELAXED))
    return false;
  // Whoever comes sees slots as they are.
  if (g_are_marked) toggle_marks();
  g_are_marked = false;
  return true;
}
void lock() {
  while (!try_lock()) sleep_ns(100'000);
}
/// For an event. If its site's configuration is new, it would be lost without: then waits, as long as for a collector, but
/// not if the lock is this thread's own, in a signal handler that has interrupted it.
bool lock_for_event(const sillage_site* site, std::uint64_t gate) {
  if (try_lock()) return true;
  const sillage_slot* slot = __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
  if (slot != nullptr && ((slot->applied ^ gate) & ~kMark) == 0) return false;
  const std::uint64_t give_up = monotonic_ns() + g_startup.deadline_ms * std::uint64_t{1'000'000};
  while (!try_lock()) {
    if (__atomic_load_n(&g_lock, __ATOMIC_RELAXED) == own_id() || monotonic_ns() > give_up)
      return false;
    sleep_ns(50'000);
  }
  return true;
}
void unlock() { __atomic_store_n(&g_lock, 0, __ATOMIC_RELEASE); }

/// libc calls below may set errno; events must not.
class KeepErrno {
 public:
  KeepErrno() : saved_(errno) {}
  ~KeepErrno() { errno = saved_; }
  KeepErrno(const KeepErrno&) = delete;
  KeepErrno& operator=(const KeepErrno&) = delete;

 private:
  int saved_;
};

ImageState* state_of(const sillage_image* image) { return static_cast<ImageState*>(image->handle); }

bool is_own_descriptor(const ImageState* state) {
  struct statx status = {};
  return state->fd >= 0 &&
         raw_syscall(SYS_statx, state->fd, address(""), AT_EMPTY_PATH, STATX_INO,
                     address(&status)) == 0 &&
         status.stx_ino == state->inode &&
         (std::uint64_t{status.stx_dev_major} << 32 | status.stx_dev_minor) == state->device;
}

/// A new sealed-to-be memfd of `bytes`, mapped; remembers it in `state`.
sillage_image_header* make_shared(ImageState* state, std::size_t bytes) {
  int fd = memfd_create("sillage-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return nullptr;
  struct statx status = {};
  void* memory = MAP_FAILED;
  if (ftruncate(fd, static_cast<off_t>(bytes)) == 0 &&
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0 &&
      raw_syscall(SYS_statx, fd, address(""), AT_EMPTY_PATH, STATX_INO, address(&status)) == 0) {
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (memory == MAP_FAILED) {
    close(fd);
    return nullptr;
  }
  state->fd = fd;
  state->inode = status.stx_ino;
  state->device = std::uint64_t{status.stx_dev_major} << 32 | status.stx_dev_minor;
  state->shared = static_cast<sillage_image_header*>(memory);
  state->shared_bytes = bytes;
  return state->shared;
}

struct ObjectFacts {
  const void* inside;
  std::uint64_t base;
  const char* path;
  bool is_program;
};

int find_object(dl_phdr_info* info, std::size_t /*size*/, void* data) {
  auto* facts = static_cast<ObjectFacts*>(data);
  bool is_first = facts->base == UINT64_MAX;  // the main program comes first
  facts->base = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const auto& segment = info->dlpi_phdr[i];
    auto start = reinterpret_cast<std::uintptr_t>(info->dlpi_addr + segment.p_vaddr);
    auto at = reinterpret_cast<std::uintptr_t>(facts->inside);
    if (segment.p_type == PT_LOAD && at >= start && at - start < segment.p_memsz) {
      facts->path = info->dlpi_name;
      facts->is_program = is_first;
      return 1;
    }
  }
  return 0;
}

void describe_object(ImageState* state, sillage_image_header* header) {
  ObjectFacts facts = {state->image->closed_gate, UINT64_MAX, "", false};
  if (dl_iterate_phdr(find_object, &facts) == 0) {
    // An image that was put together at run time (src/ust): what describes its events is in the object.
    facts = {state->sites[0]->event->provider, UINT64_MAX, "", false};
    dl_iterate_phdr(find_object, &facts);
  }
  header->base_address = facts.base;
  state->is_program = facts.is_program ? 1 : 0;
  constexpr std::size_t kRoom = sizeof header->path - 1;
  if (facts.path == nullptr || facts.path[0] == 0) {
    ssize_t length = readlink("/proc/self/exe", header->path, kRoom);
    if (length < 0) header->path[0] = 0;
    return;
  }
  std::size_t length = std::strlen(facts.path);
  std::memcpy(header->path, length > kRoom ? facts.path + length - kRoom : facts.path,
              length > kRoom ? kRoom : length);
}

/// Opens the shared gates to the sites; until here they could not be enabled.
void hang_gates(ImageState* state) {
  std::uint64_t* gates = gates_of(state);
  for (std::uint32_t i = 0; i < state->site_count; i++) {
    __atomic_store_n(&state->sites[i]->gate, &gates[i], __ATOMIC_RELEASE);
  }
}

/// Builds gates and catalogue of a newly loaded object.
bool build_shared(ImageState* state) {
  std::size_t catalog_bytes = 0;
  for (std::uint32_t i = 0; i < state->site_count; i++) {
    catalog_bytes += write_description(*state->sites[i]->event, nullptr);
  }
  std::size_t gates_offset = (sizeof(sillage_image_header) + 63) & ~std::size_t{63};
  std::size_t catalog_offset = gates_offset + state->site_count * sizeof(std::uint64_t);
  sillage_image_header* header = make_shared(state, catalog_offset + catalog_bytes);
  if (header == nullptr) return false;
  header->abi_major = SILLAGE_IMAGE_ABI_MAJOR;
  header->abi_minor = SILLAGE_IMAGE_ABI_MINOR;
  header->total_bytes = catalog_offset + catalog_bytes;
  header->site_count = state->site_count;
  header->word_bits = sizeof(void*) * 8;
  header->gates_offset = gates_offset;
  header->catalog_offset = catalog_offset;
  header->catalog_bytes = catalog_bytes;
  describe_object(state, header);
  char* to = reinterpret_cast<char*>(header) + catalog_offset;
  for (std::uint32_t i = 0; i < state->site_count; i++)
    to += write_description(*state->sites[i]->event, to);
  // Last: a collector that finds the memfd by itself waits for it.
  __atomic_store_n(&header->magic, SILLAGE_IMAGE_MAGIC, __ATOMIC_RELEASE);
  return true;
}

/// Makes the same again, for a fork child or a program that closed our descriptor. The old mapping stays:
/// an event that this one interrupted may be about to read its gate. The caller hangs the gates.
bool rebuild_shared(ImageState* state) {
  const sillage_image_header* old = state->shared;
  std::size_t bytes = state->shared_bytes;
  sillage_image_header* header = make_shared(state, bytes);
  if (header == nullptr) return false;
  std::memcpy(header, old, bytes);
  // Who waits for the old bell (src/ust) is to wait for the new one.
  sillage_image_header* replaced = const_cast<sillage_image_header*>(old);
  __atomic_fetch_add(&replaced->bell, 1, __ATOMIC_RELEASE);
  raw_syscall(SYS_futex, address(&replaced->bell), FUTEX_WAKE, INT32_MAX);
  std::memset(gates_of(state), 0, state->site_count * sizeof(std::uint64_t));
  header->listens = 0;  // who does says so; in a fork child nobody yet
  return true;
}

/// Asks one collector about an image, registering it there first if need be. Returns what ask_collector() does.
int ask(ImageState* state, sillage_domain domain, std::uint32_t wait_ms) {
  ImageState::Link& link = state->links[domain];
  int result = -ENOENT;
  if (link.token != 0)
    result = ask_collector(domain, SILLAGE_APP_UPDATE, link.token, -1, &g_reply, wait_ms);
  if (result == -EPROTO || link.token == 0) {
    // Not known there (any more): a new collector, or one that found us by itself.
    link.token = 0;
    if (!is_own_descriptor(state)) {
      if (!rebuild_shared(state)) return -ENOMEM;
      hang_gates(state);
    }
    result = ask_collector(domain, SILLAGE_APP_REGISTER, 0, state->fd, &g_reply, wait_ms);
  }
  std::uint64_t now = monotonic_ns();
  if (result == 0) apply_reply(state, domain, &g_reply);
  link.retry_after_ns = now + (result == 0 ? kRetryAfterReplyNs : kRetryAfterFailureNs);
  return result;
}

/// How long a registration waits: several that nobody answers wait no longer together than one would.
std::uint32_t registration_wait_ms() {
  if (g_startup.register_ms == kForever) return kForever;
  return g_startup.register_ms > g_waited_ms ? g_startup.register_ms - g_waited_ms : 0;
}

/// Tells all collectors about an image.
void announce(ImageState* state) {
  for (int domain = 0; domain < SILLAGE_DOMAIN_COUNT; domain++) {
    const std::uint64_t begin = monotonic_ns();
    const int result = ask(state, static_cast<sillage_domain>(domain), registration_wait_ms());
    if (result == 0) g_waited_ms = 0;
    if (result == -ETIMEDOUT || result == -EAGAIN)
      g_waited_ms += static_cast<std::uint32_t>((monotonic_ns() - begin + 999'999) / 1'000'000);
    // All gates are closed now. The first that opens tells of a collector that has come: it is asked at once,
    // though there was none a moment ago.
    state->links[domain].retry_after_ns = 0;
  }
}

/// Brings one half of a site's slots up to date.
void refresh_half(ImageState* state, sillage_site* site, sillage_domain domain,
                  std::uint64_t gate) {
  std::uint64_t applied = site->slots != nullptr ? site->slots->applied : 0;
  auto wanted = static_cast<std::uint32_t>(gate >> (domain * 32));
  auto have = static_cast<std::uint32_t>(applied >> (domain * 32));
  if (wanted == have) return;
  if (wanted == 0) {
    close_site(site, domain);
  } else if (monotonic_ns() >= state->links[domain].retry_after_ns) {
    ask(state, domain, g_startup.deadline_ms);
  }
}

/// Brings the slots of the state dump's events up to date: who records those does not wait for them to come.
void settle_state() {
  auto* state = state_of(state_image());
  if (state == nullptr || state->shared == nullptr) return;
  for (int i = 0; i < SILLAGE_DOMAIN_COUNT; i++) {
    auto domain = static_cast<sillage_domain>(i);
    for (std::uint32_t site = 0; site < state->site_count; site++) {
      const std::uint64_t gate = __atomic_load_n(&gates_of(state)[site], __ATOMIC_RELAXED);
      refresh_half(state, state->sites[site], domain, gate);
    }
    // One that answers is asked again as soon as something is new: it may be long until somebody comes by.
    ImageState::Link& link = state->links[i];
    if (link.retry_after_ns <= monotonic_ns() + kRetryAfterReplyNs) link.retry_after_ns = 0;
  }
  dump_state_if_wanted(state);
}

/// Runs in the child of fork(): from here on the child's first event sets it up (set_up_child).
void on_fork_child() {
  g_lock = 0;
  g_are_marked = false;
  leave_parents_counters();
  for (ImageState* state = g_images; state != nullptr; state = state->next) {
    for (std::uint32_t i = 0; i < state->site_count; i++) state->sites[i]->gate = &kTripwireGate;
  }
}

/// Gives a fork child an identity of its own: new gates, no rings, its own registration. One thread does it;
/// the others wait for it, since what they record before would be nobody's.
void set_up_child() {
  auto self = static_cast<std::uint32_t>(raw_syscall(SYS_gettid));
  std::uint32_t claimed = 0;
  if (!__atomic_compare_exchange_n(&fork_wiped()->claimed, &claimed, self, false, __ATOMIC_ACQ_REL,
                                   __ATOMIC_ACQUIRE)) {
    // Not if this is a signal handler in the thread that is at it.
    std::uint64_t until = monotonic_ns() + std::uint64_t{g_startup.deadline_ms} * 1'000'000;
    while (claimed != self && !is_child_ready() && monotonic_ns() < until) sleep_ns(50'000);
    return;
  }
  // Whoever held the lock when the process was copied does not exist here.
  g_lock = own_id();
  g_are_marked = false;  // slots are wiped
  g_waited_ms = 0;
  leave_parents_counters();
  if (adopt_process()) {
    forget_dumps(state_of(state_image()));
    for (ImageState* state = g_images; state != nullptr; state = state->next) {
      for (int domain = 0; domain < SILLAGE_DOMAIN_COUNT; domain++) {
        release_rings(state, static_cast<sillage_domain>(domain));
        state->links[domain] = {};
      }
      if (!rebuild_shared(state)) continue;
      announce(state);
      // Not before the collectors have opened what they want: other threads must not find the gates closed.
      hang_gates(state);
    }
    dump_state_if_wanted(state_of(state_image()));
  }
  __atomic_store_n(&fork_wiped()->ready, 1, __ATOMIC_RELEASE);
  unlock();
}

ImageState* new_state(std::uint32_t site_count) {
  for (ImageState** at = &g_free_images; *at != nullptr; at = &(*at)->next) {
    ImageState* state = *at;
    if (state->site_room < site_count) continue;
    *at = state->next;
    return state;
  }
  auto* state = static_cast<ImageState*>(allocate(sizeof(ImageState), false));
  if (state == nullptr) return nullptr;
  // NOLINTNEXTLINE(bugprone-sizeof-expression): pointers are what it holds
  state->sites = static_cast<sillage_site**>(allocate(site_count * sizeof(sillage_site*), false));
  if (state->sites == nullptr) return nullptr;
  state->site_room = site_count;
  return state;
}

/// Numbers the sites of an image; one whose code was inlined twice is listed twice. With `sites` nullptr
/// they are only counted, and marked.
std::uint32_t collect_sites(const sillage_image* image) {
  std::uint32_t count = 0;
  for (sillage_site* const* at = image->begin; at != image->end; at++) {
    if (*at == nullptr || (*at)->reserved != 0) continue;
    (*at)->reserved = 1;
    (*at)->index = count++;
  }
  return count;
}

void register_locked(sillage_image* image) {
  std::uint32_t count = collect_sites(image);
  if (count == 0) return;
  ImageState* state = new_state(count);
  if (state == nullptr) return;
  state->image = image;
  state->fd = -1;
  state->shared = nullptr;
  state->site_count = count;
  for (auto& link : state->links) link = {};
  for (sillage_site* const* at = image->begin; at != image->end; at++) {
    if (*at != nullptr) state->sites[(*at)->index] = *at;
  }
  if (!build_shared(state)) {
    state->next = g_free_images;
    g_free_images = state;
    return;
  }
  image->handle = state;
  state->next = g_images;
  g_images = state;
  hang_gates(state);
  announce(state);
}

void forget(ImageState* state) {
  for (ImageState** at = &g_images; *at != nullptr; at = &(*at)->next) {
    if (*at != state) continue;
    *at = state->next;
    break;
  }
  state->next = g_free_images;
  g_free_images = state;
}

/// An object is unmapped some time behind its destructors: has the next event of the others come by.
void expect_unload() {
  g_are_marked = true;
  toggle_marks();
}

/// Looks for one that was expected to go.
void look_for_unload() {
  if (g_unload_looks == 0) return;
  g_unload_looks--;
  const bool has_gone = record_object_changes(state_of(state_image()),
                                              reinterpret_cast<std::uintptr_t>(&look_for_unload));
  if (has_gone) g_unload_looks = 0;
  if (g_unload_looks != 0) expect_unload();
}

void unregister_locked(ImageState* state) {
  for (std::uint32_t i = 0; i < state->site_count; i++) {
    sillage_site* site = state->sites[i];
    __atomic_store_n(&site->gate, state->image->closed_gate, __ATOMIC_RELEASE);
    discard_slots(site);
    site->reserved = 0;
  }
  for (int i = 0; i < SILLAGE_DOMAIN_COUNT; i++) {
    auto domain = static_cast<sillage_domain>(i);
    release_rings(state, domain);
    if (state->links[i].token != 0) {
      ask_collector(domain, SILLAGE_APP_UNREGISTER, state->links[i].token, -1, nullptr,
                    g_startup.deadline_ms);
    }
  }
  __atomic_store_n(&state->shared->gone, 1, __ATOMIC_RELEASE);
  munmap(state->shared, state->shared_bytes);
  if (is_own_descriptor(state)) close(state->fd);
  forget(state);
  if (!are_changes_recorded()) return;
  g_unload_looks = kMaxUnloadLooks;
  expect_unload();
}

}  // namespace

sillage_slot* refresh_slots(sillage_site* site, std::uint64_t gate) {
  KeepErrno keep;
  if (!is_child_ready()) {
    set_up_child();
  } else if (lock_for_event(site, gate)) {
    for (ImageState* state = g_images; state != nullptr; state = state->next) {
      if (site->index >= state->site_count || state->sites[site->index] != site) continue;
      refresh_half(state, site, SILLAGE_DOMAIN_USER, gate);
      refresh_half(state, site, SILLAGE_DOMAIN_ROOT, gate);
      break;
    }
    settle_state();
    look_for_unload();
    unlock();
  }
  return __atomic_load_n(&site->slots, __ATOMIC_ACQUIRE);
}

}  // namespace sillage::probe

using namespace sillage::probe;

extern "C" {

void sillage_image_register(sillage_image* image) {
  KeepErrno keep;
  lock();
  if (!g_watches_fork) g_watches_fork = pthread_atfork(nullptr, nullptr, on_fork_child) == 0;
  if (state_image()->handle == nullptr) register_locked(state_image());
  if (image->handle == nullptr) register_locked(image);
  settle_state();
  record_object_changes(state_of(state_image()),
                        reinterpret_cast<std::uintptr_t>(image->closed_gate));
  unlock();
}

void sillage_wait_for_registration(std::int64_t milliseconds, int is_default) {
  if (is_default != 0 && g_startup.is_register_set) return;
  g_startup.register_ms = milliseconds < 0          ? kForever
                          : milliseconds < kForever ? static_cast<std::uint32_t>(milliseconds)
                                                    : kForever - 1;
}

const std::uint32_t* sillage_image_bell(const sillage_image* image) {
  auto* state = static_cast<const ImageState*>(image->handle);
  return state == nullptr || state->shared == nullptr ? nullptr : &state->shared->bell;
}

void sillage_image_answer(const sillage_image* image, std::uint32_t bell) {
  auto* state = static_cast<const ImageState*>(image->handle);
  if (state == nullptr || state->shared == nullptr) return;
  auto* header = const_cast<sillage_image_header*>(state->shared);
  // Pairs with the collector's load (apps/image_control.cpp).
  __atomic_store_n(&header->heard, bell, __ATOMIC_RELEASE);
  __atomic_store_n(&header->listens, 1, __ATOMIC_RELEASE);
}

const std::uint32_t* sillage_state_bell(void) { return sillage_image_bell(state_image()); }

void sillage_write_state_dump(void) {
  KeepErrno keep;
  if (!is_child_ready()) return;
  lock();
  settle_state();
  unlock();
}

void sillage_note_objects(const void* ip) {
  KeepErrno keep;
  if (!is_child_ready()) return;
  lock();
  settle_state();
  record_object_changes(state_of(state_image()), reinterpret_cast<std::uintptr_t>(ip));
  unlock();
}

void sillage_image_unregister(sillage_image* image) {
  KeepErrno keep;
  auto* state = static_cast<ImageState*>(image->handle);
  // The main program's destructors mean that the process is ending: its other threads go on recording.
  if (state == nullptr || state->is_program != 0) return;
  lock();
  unregister_locked(state);
  image->handle = nullptr;
  unlock();
}

}  // extern "C"
