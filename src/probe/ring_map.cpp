// SPDX-License-Identifier: MIT
#include "probe/ring_map.hpp"

#include "probe/context.hpp"
#include "probe/process.hpp"
#include "probe/raw_syscall.hpp"
#include "probe/thread_counters.hpp"

#include <fcntl.h>
#include <linux/membarrier.h>
#include <linux/stat.h>
#include <sys/mman.h>

#include <cstring>

namespace sillage::probe {
namespace {

RingView* g_rings = nullptr;  // those in use

struct ClockMapping {
  std::uint64_t device, inode;
  const sillage_clock_page* page;
  ClockMapping* next;
};
ClockMapping* g_clocks = nullptr;

struct FileIdentity {
  std::uint64_t device, inode, bytes;
};

bool identify(int fd, FileIdentity* identity) {
  struct statx status = {};
  if (raw_syscall(SYS_statx, fd, address(""), AT_EMPTY_PATH, STATX_INO | STATX_SIZE,
                  address(&status)) != 0) {
    return false;
  }
  *identity = {static_cast<std::uint64_t>(status.stx_dev_major) << 32 | status.stx_dev_minor,
               status.stx_ino, status.stx_size};
  return true;
}

bool is_power_of_two(std::uint64_t value) { return value != 0 && (value & (value - 1)) == 0; }

/// Whether a collector's header describes a ring that fits what was mapped. A collector is trusted as
/// far as the socket's credentials go; this catches other versions and broken ones.
bool is_sane(const sillage_ring_header& header, std::uint64_t bytes) {
  if (header.magic != SILLAGE_RING_MAGIC || header.abi_major != SILLAGE_RING_ABI_MAJOR)
    return false;
  if (!is_power_of_two(header.subbuf_bytes) ||
      header.subbuf_bytes < SILLAGE_RING_MIN_SUBBUF_BYTES ||
      header.subbuf_bytes > SILLAGE_RING_MAX_SUBBUF_BYTES) {
    return false;
  }
  if (!is_power_of_two(header.subbuf_count) || header.subbuf_count < 2) return false;
  if (header.stream_count < header.index_count || header.stream_count == 0 ||
      header.stream_count > 65536)
    return false;
  std::uint64_t data_bytes = header.subbuf_bytes * header.subbuf_count;
  if (data_bytes > SILLAGE_RING_MAX_BYTES || header.total_bytes > bytes) return false;
  std::uint64_t control =
      sizeof(sillage_ring_stream) + sizeof(sillage_ring_entry) * std::uint64_t{header.subbuf_count};
  if (header.stream_stride < control || header.data_stride < data_bytes + SILLAGE_RING_SLACK)
    return false;
  return header.streams_offset >= sizeof(sillage_ring_header) && header.streams_offset <= bytes &&
         header.data_offset <= bytes &&
         header.stream_stride <= (bytes - header.streams_offset) / header.stream_count &&
         header.data_stride <= (bytes - header.data_offset) / header.stream_count;
}

bool is_app_context(std::uint8_t context) {
  return context >= SILLAGE_CONTEXT_APP && context < SILLAGE_CONTEXT_APP_END;
}

bool is_counter(std::uint8_t context) {
  return context >= SILLAGE_CONTEXT_COUNTER && context < SILLAGE_CONTEXT_COUNTER_END;
}

/// The names of an attachment's application contexts, in order, and its counters.
struct Names {
  const char* begin;
  std::uint32_t bytes;  // of all of them
  std::uint32_t count;
  const char* counters;  // sillage_app_counter
  std::uint32_t counter_count;
};

/// Takes them from a reply; false if they are not all there.
bool take_names(const sillage_app_attachment& attachment, const char** at, const char* end,
                Names* names) {
  *names = {*at, 0, 0, nullptr, 0};
  for (std::uint32_t i = 0; i < attachment.context_count; i++) {
    if (!is_app_context(attachment.contexts[i])) continue;
    const auto* nul =
        static_cast<const char*>(std::memchr(*at, 0, static_cast<std::size_t>(end - *at)));
    if (nul == nullptr) return false;
    *at = nul + 1;
    names->count++;
  }
  names->bytes = static_cast<std::uint32_t>(*at - names->begin);
  names->counters = *at;
  for (std::uint32_t i = 0; i < attachment.context_count; i++)
    if (is_counter(attachment.contexts[i])) names->counter_count++;
  const std::size_t counter_bytes = names->counter_count * sizeof(sillage_app_counter);
  if (static_cast<std::size_t>(end - *at) < counter_bytes) return false;
  *at += counter_bytes;
  return true;
}

/// Copies names to where they stay: contexts of a ring never change.
bool keep_names(const Names& names, RingView* view) {
  if (names.count == 0) return true;
  auto* to = static_cast<char*>(allocate(names.bytes, false));
  if (to == nullptr) return false;
  std::memcpy(to, names.begin, names.bytes);
  for (std::uint32_t i = 0; i < names.count; i++) {
    view->app_contexts[i] = to;
    to += std::strlen(to) + 1;
  }
  return true;
}

bool fill(RingView* view, const sillage_app_attachment& attachment, const Names& names,
          const sillage_clock_page* clock) {
  const sillage_ring_header& header = *view->header;
  std::uint32_t context_bytes = 0;
  view->cpu_context_offset = -1;
  for (std::uint32_t i = 0; i < attachment.context_count; i++) {
    const std::uint8_t context = attachment.contexts[i];
    if (is_app_context(context)) {
      if (context >= SILLAGE_CONTEXT_APP + names.count) return false;
      view->contexts[i] = context;
      continue;
    }
    if (is_counter(context) && context >= SILLAGE_CONTEXT_COUNTER + names.counter_count)
      return false;
    std::uint32_t size = context_size(context);
    if (size == 0 || context_bytes + size > kMaxContextBytes) return false;
    if (attachment.contexts[i] == SILLAGE_CONTEXT_CPU_ID) {
      view->cpu_context_offset = static_cast<std::int32_t>(context_bytes);
    }
    view->contexts[i] = attachment.contexts[i];
    context_bytes += size;
  }
  view->context_count = attachment.context_count;
  view->caches_contexts =
      can_be_cached(view->contexts, attachment.context_count, context_bytes) ? 1 : 0;
  view->context_bytes = context_bytes + (names.count == 0 ? 0 : kHasAppContexts);
  if (!keep_names(names, view)) return false;
  if (names.counter_count != 0) {
    view->counters = acquire_counters(names.counters, names.counter_count);
    if (view->counters == nullptr) return false;
    view->counter_count = names.counter_count;
  }
  char* base = reinterpret_cast<char*>(view->header);
  auto* streams = static_cast<RingView::Stream*>(
      allocate(header.stream_count * sizeof(RingView::Stream), false));
  if (streams == nullptr) return false;
  view->at = streams;
  for (std::uint32_t i = 0; i < header.stream_count; i++) {
    streams[i] = {reinterpret_cast<sillage_ring_stream*>(base + header.streams_offset +
                                                         i * header.stream_stride),
                  base + header.data_offset + i * header.data_stride};
  }
  view->subbuf_mask = header.subbuf_bytes - 1;
  view->data_mask = header.subbuf_bytes * header.subbuf_count - 1;
  view->subbuf_limit = header.subbuf_bytes - SILLAGE_RING_OVERCOPY;
  view->subbuf_shift = static_cast<std::uint32_t>(__builtin_ctzll(header.subbuf_bytes));
  view->subbuf_count = header.subbuf_count;
  view->index_count = header.index_count;
  view->stream_count = header.stream_count;
  view->overwrite = (header.flags & SILLAGE_RING_OVERWRITE) != 0;
  view->blocking_timeout_ns = header.blocking_timeout_ns;
  view->clock = clock;
  bool by_mm_cid = (header.flags & SILLAGE_RING_BY_MM_CID) != 0;
  bool usable = g_startup.has_rseq && g_startup.other_cpu == nullptr &&
                g_startup.other_clock == nullptr && (!by_mm_cid || g_startup.mm_cid_offset != 0);
  view->rseq_index_count = usable ? header.index_count : 0;
  view->rseq_offset = g_startup.rseq_offset;
  view->index_offset = by_mm_cid ? g_startup.mm_cid_offset : g_startup.cpu_id_offset;
  return true;
}

}  // namespace

RingView* acquire_ring(int fd, const sillage_app_attachment& attachment,
                       const sillage_clock_page* clock, const char** names_at,
                       const char* names_end) {
  FileIdentity file;
  Names names;
  if (attachment.context_count > SILLAGE_APP_MAX_CONTEXTS ||
      !take_names(attachment, names_at, names_end, &names) || !identify(fd, &file))
    return nullptr;
  for (RingView* view = g_rings; view != nullptr; view = view->next) {
    if (view->inode == file.inode && view->device == file.device) {
      view->users++;
      return view;
    }
  }
  sillage_ring_header header;
  long got = raw_syscall(SYS_pread64, fd, address(&header), sizeof header, 0);
  if (got != static_cast<long>(sizeof header) || !is_sane(header, file.bytes)) return nullptr;
  auto* view = static_cast<RingView*>(allocate(sizeof(RingView), false));
  if (view == nullptr) return nullptr;
  void* memory = map_memory(nullptr, file.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  if (memory == nullptr) return nullptr;
  view->header = static_cast<sillage_ring_header*>(memory);
  view->bytes = file.bytes;
  view->device = file.device;
  view->inode = file.inode;
  view->next = g_rings;
  g_rings = view;
  view->users = 1;
  if (!fill(view, attachment, names, clock)) {
    release_ring(view);
    return nullptr;
  }
  return view;
}

void release_ring(RingView* ring) {
  if (--ring->users != 0) return;
  RingView** at = &g_rings;
  while (*at != ring) at = &(*at)->next;
  *at = ring->next;
  release_counters(ring->counters, ring->counter_count);
  // Slots that led here are inactive by now, so no section can begin with them; this ends those in flight.
  // Threads that hold a try-lock go on into the private pages, which nobody reads.
#if defined(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)
  if (g_startup.has_rseq &&
      raw_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0) != 0) {
    return;  // the mapping stays
  }
#endif
  map_memory(ring->header, ring->bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1);
}

const sillage_clock_page* acquire_clock(int fd) {
  FileIdentity file;
  if (!identify(fd, &file) || file.bytes < sizeof(sillage_clock_page)) return nullptr;
  for (const ClockMapping* clock = g_clocks; clock != nullptr; clock = clock->next) {
    if (clock->inode == file.inode && clock->device == file.device) return clock->page;
  }
  auto* page = static_cast<sillage_clock_page*>(
      map_memory(nullptr, sizeof(sillage_clock_page), PROT_READ, MAP_SHARED, fd));
  if (page == nullptr || page->magic != SILLAGE_CLOCK_MAGIC) return nullptr;
  auto* clock = static_cast<ClockMapping*>(allocate(sizeof(ClockMapping), false));
  if (clock == nullptr) return nullptr;
  *clock = {file.device, file.inode, page, g_clocks};
  g_clocks = clock;
  return page;
}

}  // namespace sillage::probe
