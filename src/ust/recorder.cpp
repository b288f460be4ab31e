// SPDX-License-Identifier: MIT
#include "ust/recorder.hpp"

#include "abi/catalog.h"
#include "probe/foreign_sites.h"
#include "ust/thread_records.hpp"
#include "ust/unwritten.hpp"
#include "ust/watcher.hpp"

#include <errno.h>

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sillage::ust {
namespace {

// The writer reads whole blocks and may pass the end of a payload by so many bytes.
constexpr std::size_t kOvercopy = 24;
constexpr std::size_t kMaxBlocksBytes = 256;  // above, memcpy() is faster

/// Where a thread puts the fields of an event together. Events of signal handlers that interrupt it get memory of their own.
///
/// A flag and not a stack of places: that would be a chain of loads and stores from each event to the next.
struct alignas(64) Scratch {
  std::uint32_t is_busy;
  std::uint32_t is_used;
  alignas(64) char bytes[16'384 - 128];
  Unwritten unwritten;  ///< of the event that is about to be recorded
};
constexpr std::size_t kScratchRoom = sizeof Scratch::bytes - kOvercopy;

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
    scratch->is_busy = 0;
    t_scratch = scratch;
    g_scratches.keep(scratch);
  }
  errno = saved;
  return t_scratch;
}

/// Memory for this one event: of a payload that is too large for the scratch, of a signal handler's event in the middle of
/// another, of a thread for which there was no scratch.
[[gnu::noinline, gnu::cold]] int reserve_apart(ust_recording* recording) {
  const std::size_t bytes = recording->data_size + kOvercopy;
  if (recording->data_size > UINT32_MAX) return -ENOMEM;
  recording->priv = take_pages(bytes);
  if (recording->priv == nullptr) return -ENOMEM;
  return 0;
}

/// Whose recorder it is, without a load.
Event* event_of(const ust_recording* recording) {
  return reinterpret_cast<Event*>(static_cast<char*>(recording->client_priv) -
                                  offsetof(Event, recorder));
}

// `priv` of a recording is where the next field goes.

/// True if the recording has the thread's scratch now.
[[gnu::always_inline]] inline bool reserve_in(Scratch* scratch, ust_recording* recording) {
  if (scratch->is_busy != 0 || recording->data_size > kScratchRoom) [[unlikely]]
    return false;
  // Before a field is written.
  __atomic_store_n(&scratch->is_busy, 1, __ATOMIC_RELAXED);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  recording->priv = scratch->bytes;
  return true;
}

[[gnu::noinline, gnu::cold]] int reserve_first(ust_recording* recording) {
  Scratch* scratch = take_scratch();
  return scratch != nullptr && reserve_in(scratch, recording) ? 0 : reserve_apart(recording);
}

int event_reserve(ust_recording* recording) {
  Scratch* scratch = t_scratch;
  if (scratch == nullptr) [[unlikely]]
    return reserve_first(recording);
  return reserve_in(scratch, recording) ? 0 : reserve_apart(recording);
}

sillage_slot* emit(const ust_recording* recording, const char* begin) {
  return sillage_emit_assembled(&event_of(recording)->site, begin,
                                static_cast<std::uint32_t>(recording->data_size));
}

/// Records it on channels that the shortest way does not lead to. `priv` is where its first field is.
[[gnu::noinline]] void emit_rest(sillage_slot* rest, const ust_recording* recording) {
  const Scratch* scratch = t_scratch;
  const bool has_unwritten =
      scratch != nullptr && scratch->unwritten.are_of(event_of(recording)->translated.event);
  sillage_emit_rest(rest, recording->priv, static_cast<std::uint32_t>(recording->data_size),
                    recording->probe_ctx->ip, has_unwritten ? scratch->unwritten.parts() : nullptr,
                    has_unwritten ? scratch->unwritten.count() : 0);
}

[[gnu::noinline, gnu::cold]] void commit_apart(ust_recording* recording, char* begin) {
  recording->priv = begin;
  if (sillage_slot* rest = emit(recording, begin); rest != nullptr) emit_rest(rest, recording);
  kernel_call(SYS_munmap, begin, static_cast<long>(recording->data_size + kOvercopy));
  if (!is_watched()) watch_in_child();
}

void event_commit(ust_recording* recording) {
  const Scratch* scratch = t_scratch;
  char* begin = static_cast<char*>(recording->priv) - recording->data_size;
  if (scratch == nullptr || begin != scratch->bytes) [[unlikely]]
    return commit_apart(recording, begin);
  recording->priv = begin;
  if (sillage_slot* rest = emit(recording, begin); rest != nullptr) [[unlikely]]
    emit_rest(rest, recording);
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  // From `priv`, so that nothing but `recording` has to be kept over the call.
  auto* held =
      reinterpret_cast<Scratch*>(static_cast<char*>(recording->priv) - offsetof(Scratch, bytes));
  __atomic_store_n(&held->is_busy, 0, __ATOMIC_RELAXED);
  if (!is_watched()) [[unlikely]]
    watch_in_child();
}

#if defined(__SSE2__)
[[gnu::always_inline]] inline void copy_block(char* to, const char* from) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
#endif

/// In blocks as they are read again when the event is recorded: a part of a wider store is not had from the store queue.
[[gnu::noinline]] void write_blocks(char* to, const char* from, std::size_t bytes) {
#if defined(__SSE2__)
  if (bytes <= kMaxBlocksBytes) {
    for (; bytes >= 64; bytes -= 64, to += 64, from += 64) {
      copy_block(to, from);
      copy_block(to + 16, from + 16);
      copy_block(to + 32, from + 32);
      copy_block(to + 48, from + 48);
    }
    for (; bytes >= 16; bytes -= 16, to += 16, from += 16) copy_block(to, from);
    if (bytes == 0) return;
  }
#endif
  std::memcpy(to, from, bytes);
}

void event_write(ust_recording* recording, const void* from, std::size_t bytes,
                 std::size_t /*alignment: records are packed*/) {
  auto* to = static_cast<char*>(recording->priv);
  recording->priv = to + bytes;
  switch (bytes) {
    case 1: std::memcpy(to, from, 1); return;
    case 2: std::memcpy(to, from, 2); return;
    case 4: std::memcpy(to, from, 4); return;
    case 8: std::memcpy(to, from, 8); return;
    default: write_blocks(to, static_cast<const char*>(from), bytes);
  }
}

/// Copies a text as event_strcpy() does, byte by byte.
///
/// Replaces the first NUL in it, and all behind it: another thread may have shortened the text since it was measured, and a
/// NUL inside would end the string there, and what follows be misread.
[[gnu::noinline, gnu::cold]] void copy_text(char* to, const char* from, std::size_t bytes) {
  const std::size_t count = bytes - 1;
  std::memcpy(to, from, count);
  auto* nul = static_cast<char*>(std::memchr(to, 0, count));
  if (nul != nullptr) std::memset(nul, '#', count - static_cast<std::size_t>(nul - to));
  to[count] = 0;
}

void event_strcpy(ust_recording* recording, const char* from, std::size_t bytes) {
  char* to = static_cast<char*>(recording->priv);
  recording->priv = to + bytes;
#if defined(__SSE2__)
  const __m128i zero = _mm_setzero_si128();
  // Whole blocks, the last beyond the text but never beyond the page that it ends in. The scratch has room for that.
  for (std::size_t done = 0; (reinterpret_cast<std::uintptr_t>(from + done) & 4095) <= 4080;
       done += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + done), block);
    const auto nuls = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(block, zero)));
    if (nuls == 0 && done + 16 < bytes) continue;
    // The first NUL is to be the text's last byte.
    if (nuls != 0 && done + static_cast<unsigned>(__builtin_ctz(nuls)) + 1 == bytes) [[likely]]
      return;
    break;
  }
#endif
  if (bytes != 0) copy_text(to, from, bytes);
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

/// Called before an event is reserved, with the values of all fields. Accepts: collectors' filters are run where the record is
/// written. Those of an event in a signal handler that interrupts another are not taken: filters then see
/// none, or those of the other if it is of the same kind.
int accept(const ust_event_common* event, const char* stack, ust_probe_context* /*context*/,
           void* /*filter*/) {
  Scratch* scratch = t_scratch != nullptr ? t_scratch : take_scratch();
  if (scratch != nullptr && scratch->is_busy == 0)
    scratch->unwritten.take(reinterpret_cast<const Event*>(reinterpret_cast<const char*>(event) -
                                                           offsetof(Event, common))
                                ->translated.event,
                            stack);
  return 0;
}

}  // namespace

void set_up_event(Event* event) {
  event->common = {sizeof(ust_event_common), nullptr, 0, &event->recorder, 0, 0, accept};
  const sillage_event& description = event->translated.event;
  for (std::uint16_t i = 0; i < description.field_count; i++)
    if ((description.fields[i].flags & SILLAGE_FIELD_NOWRITE) != 0) event->common.eval_filter = 1;
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
