// SPDX-License-Identifier: MIT
#include "ust/recorder.hpp"

#include "probe/foreign_sites.h"
#include "ust/thread_records.hpp"
#include "ust/watcher.hpp"

#include <errno.h>
#include <sys/mman.h>

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sillage::ust {
namespace {

// The writer reads whole blocks and may pass the end of a payload by so many bytes.
constexpr std::size_t kOvercopy = 24;

/// Where a thread puts the fields of an event together, and those of events in signal handlers that interrupt it, behind
/// each other.
struct alignas(64) Scratch {
  char* top;  ///< nothing in use at or behind it
  std::uint32_t is_used;
  char bytes[16'384 - 64];

  [[nodiscard]] char* end() { return bytes + sizeof bytes; }
};

ThreadRecords<Scratch> g_scratches;
thread_local Scratch* t_scratch;

void on_thread_exit(void* record) {
  t_scratch = nullptr;
  g_scratches.give_back(static_cast<Scratch*>(record));
}

[[gnu::noinline]] Scratch* take_scratch() {
  const int saved = errno;
  Scratch* scratch = g_scratches.take();
  if (t_scratch != nullptr) {  // a signal handler's event came first
    if (scratch != nullptr) g_scratches.give_back(scratch);
  } else if (scratch != nullptr) {
    scratch->top = scratch->bytes;
    t_scratch = scratch;
    g_scratches.keep(scratch);
  }
  errno = saved;
  return t_scratch;
}

/// Memory for a payload that is too large for the scratch: of this one event.
[[gnu::noinline, gnu::cold]] int reserve_large(ust_recording* recording) {
  const std::size_t bytes = recording->data_size + kOvercopy;
  if (recording->data_size > UINT32_MAX) return -ENOMEM;
  const long memory =
      kernel_call(SYS_mmap, 0L, static_cast<long>(bytes), long{PROT_READ | PROT_WRITE},
                  long{MAP_PRIVATE | MAP_ANONYMOUS}, -1L, 0L);
  if (memory < 0 && memory > -4096) return -ENOMEM;
  recording->priv = reinterpret_cast<char*>(memory);
  return 0;
}

/// Whose recorder it is, without a load.
Event* event_of(const ust_recording* recording) {
  return reinterpret_cast<Event*>(static_cast<char*>(recording->client_priv) -
                                  offsetof(Event, recorder));
}

// `priv` of a recording is where the next field goes.

int event_reserve(ust_recording* recording) {
  Scratch* scratch = t_scratch;
  if (scratch == nullptr) [[unlikely]] {
    scratch = take_scratch();
    if (scratch == nullptr) return -ENOMEM;
  }
  char* at = scratch->top;
  if (recording->data_size + kOvercopy > static_cast<std::size_t>(scratch->end() - at)) [[unlikely]]
    return reserve_large(recording);
  // Before a field is written: a signal handler's event goes behind.
  __atomic_store_n(&scratch->top, at + recording->data_size, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  recording->priv = at;
  return 0;
}

[[gnu::noinline, gnu::cold]] void commit_large(ust_recording* recording, char* begin) {
  const std::size_t bytes = recording->data_size;
  sillage_emit_assembled(&event_of(recording)->site, begin, static_cast<std::uint32_t>(bytes),
                         recording->probe_ctx->ip);
  kernel_call(SYS_munmap, begin, static_cast<long>(bytes + kOvercopy));
}

void event_commit(ust_recording* recording) {
  Scratch* scratch = t_scratch;
  char* begin = static_cast<char*>(recording->priv) - recording->data_size;
  if (begin + recording->data_size == scratch->top && begin >= scratch->bytes) [[likely]] {
    sillage_emit_assembled(&event_of(recording)->site, begin,
                           static_cast<std::uint32_t>(recording->data_size),
                           recording->probe_ctx->ip);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(&scratch->top, begin, __ATOMIC_RELAXED);
  } else {
    commit_large(recording, begin);
  }
  if (!is_watched()) [[unlikely]]
    watch_in_child();
}

[[gnu::always_inline]] inline void copy(void* to, const void* from, std::size_t bytes) {
  switch (bytes) {
    case 1: std::memcpy(to, from, 1); return;
    case 2: std::memcpy(to, from, 2); return;
    case 4: std::memcpy(to, from, 4); return;
    case 8: std::memcpy(to, from, 8); return;
    default: std::memcpy(to, from, bytes); return;
  }
}

void event_write(ust_recording* recording, const void* from, std::size_t bytes,
                 std::size_t /*alignment: records are packed*/) {
  char* to = static_cast<char*>(recording->priv);
  copy(to, from, bytes);
  recording->priv = to + bytes;
}

/// Replaces the first NUL of `count` bytes, and all behind it, if there is one.
///
/// Texts were measured before they are copied, and another thread may have shortened one since.
void fill_behind_nul(char* text, std::size_t count) {
  auto* nul = static_cast<char*>(std::memchr(text, 0, count));
  if (nul != nullptr) std::memset(nul, '#', count - static_cast<std::size_t>(nul - text));
}

/// Copies `count` bytes of text in which there should be no NUL; true if there is none.
[[gnu::always_inline]] inline bool copy_text(char* to, const char* from, std::size_t count) {
#if defined(__SSE2__)
  const __m128i zero = _mm_setzero_si128();
  std::size_t done = 0;
  // Whole blocks, the last beyond the text but never beyond the page that it ends in. The scratch has room for that.
  while (done < count && (reinterpret_cast<std::uintptr_t>(from + done) & 4095) <= 4080) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + done), block);
    auto nuls = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, zero)));
    if (count - done < 16) nuls &= (1u << (count - done)) - 1;
    if (nuls != 0) [[unlikely]]
      break;
    done += 16;
  }
  if (done >= count) [[likely]]
    return true;
#endif
  std::memcpy(to, from, count);
  return std::memchr(to, 0, count) == nullptr;
}

void event_strcpy(ust_recording* recording, const char* from, std::size_t bytes) {
  char* to = static_cast<char*>(recording->priv);
  recording->priv = to + bytes;
  if (bytes == 0) return;
  // A NUL inside would end the string there, and what follows be misread.
  if (!copy_text(to, from, bytes - 1)) [[unlikely]]
    fill_behind_nul(to, bytes - 1);
  to[bytes - 1] = 0;
}

void event_pstrcpy_pad(ust_recording* recording, const char* from, std::size_t bytes) {
  char* to = static_cast<char*>(recording->priv);
  recording->priv = to + bytes;
  // Behind its NUL a text may end with the program's memory.
  const std::size_t length = strnlen(from, bytes);
  std::memcpy(to, from, length);
  std::memset(to + length, 0, bytes - length);
}

// One session and one channel stand for all: which collectors have the event is the site's.
ust_session g_session = {sizeof(ust_session), nullptr, 1};
ust_channel_ops g_ops = {
    sizeof(ust_channel_ops), nullptr, event_reserve, event_commit, event_write, event_strcpy,
    event_pstrcpy_pad};
extern ust_channel g_channel;
ust_channel_common g_channel_common = {
    sizeof(ust_channel_common), nullptr, 0, &g_channel, 1, &g_session};
ust_channel g_channel = {sizeof(ust_channel), &g_channel_common, nullptr, &g_ops};

/// Never called: `eval_filter` is 0, as collectors' filters are run where the record is written.
int accept(const ust_event_common* /*event*/, const char* /*stack*/, ust_probe_context* /*context*/,
           void* /*filter*/) {
  return 0;
}

}  // namespace

void set_up_event(Event* event) {
  event->common = {sizeof(ust_event_common), nullptr, 0, &event->recorder, 0, 0, accept};
  event->recorder = {sizeof(ust_event_recorder), &event->common, nullptr, &g_channel};
}

Recording::Recording(Event* event, std::size_t bytes, const void* ip)
    : context_{sizeof context_, const_cast<void*>(ip)},
      recording_{sizeof recording_, &event->recorder, bytes, 1, &context_, nullptr},
      is_reserved_(event_reserve(&recording_) == 0) {}

Recording::~Recording() {
  if (is_reserved_) event_commit(&recording_);
}

void Recording::bytes(const void* from, std::size_t count) {
  if (is_reserved_) event_write(&recording_, from, count, 1);
}

void start_recorder() { g_scratches.start(on_thread_exit); }

void recorder_after_fork() {
  g_scratches.give_back_all_but(t_scratch, [](Scratch&) {});
}

void prepare_thread() {
  if (t_scratch == nullptr) take_scratch();
}

}  // namespace sillage::ust
