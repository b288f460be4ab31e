// SPDX-License-Identifier: MIT
#include "ust/recorder.hpp"

#include "abi/catalog.h"
#include "probe/foreign_sites.h"
#include "probe/thread_records.hpp"
#include "ust/field_parts.hpp"
#include "ust/kernel_call.hpp"
#include "ust/watcher.hpp"

#include <errno.h>

#include <cstring>

namespace sillage::ust {
namespace {

// Two ways of an event. Generated code hands all values to a filter, if an event has one, and goes on only if that accepts:
// the short way is a "filter" that records the event and rejects it (record_...() below). What it cannot take goes on, and
// comes back field by field: reserve, write, commit. So do probes that somebody wrote by hand.

// The writer reads whole blocks and may pass the end of a payload by so many bytes.
constexpr std::size_t kOvercopy = 16;

/// Where a thread puts the fields of an event together that come one by one. Events of signal handlers that interrupt it
/// get memory of their own.
struct alignas(64) Scratch {
  std::uint32_t is_busy;
  std::uint32_t is_used;
  const sillage_event* unwritten_of;  ///< whose fields are next; nullptr: nobody's
  FieldParts unwritten;
  alignas(64) char bytes[16'384 - 1536];
};
constexpr std::size_t kScratchRoom = sizeof Scratch::bytes - kOvercopy;

probe::ThreadRecords<Scratch> g_scratches;
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

void emit(const ust_recording* recording, const char* begin) {
  Event* event = event_of(recording);
  Scratch* scratch = t_scratch;
  const bool has_unwritten =
      scratch != nullptr && scratch->unwritten_of == &event->translated.event;
  sillage_emit_foreign_payload(
      &event->site, begin, static_cast<std::uint32_t>(recording->data_size),
      recording->probe_ctx->ip, has_unwritten ? scratch->unwritten.parts() : nullptr,
      has_unwritten ? scratch->unwritten.count() : 0);
}

[[gnu::noinline, gnu::cold]] void commit_apart(ust_recording* recording, char* begin) {
  emit(recording, begin);
  kernel_call(SYS_munmap, begin, static_cast<long>(recording->data_size + kOvercopy));
}

void event_commit(ust_recording* recording) {
  Scratch* scratch = t_scratch;
  char* begin = static_cast<char*>(recording->priv) - recording->data_size;
  if (scratch == nullptr || begin != scratch->bytes) [[unlikely]]
    return commit_apart(recording, begin);
  emit(recording, begin);
  scratch->unwritten_of = nullptr;
  __atomic_signal_fence(__ATOMIC_SEQ_CST);
  __atomic_store_n(&scratch->is_busy, 0, __ATOMIC_RELAXED);
}

void event_write(ust_recording* recording, const void* from, std::size_t bytes,
                 std::size_t /*alignment: records are packed*/) {
  auto* to = static_cast<char*>(recording->priv);
  recording->priv = to + bytes;
  if (bytes != 0) std::memcpy(to, from, bytes);
}

/// Replaces the first NUL in the text, and all behind it: another thread may have shortened it since it was measured, and a
/// NUL inside would end the string there, and what follows be misread.
void event_strcpy(ust_recording* recording, const char* from, std::size_t bytes) {
  char* to = static_cast<char*>(recording->priv);
  recording->priv = to + bytes;
  if (bytes == 0) return;
  const std::size_t count = bytes - 1;
  std::memcpy(to, from, count);
  auto* nul = static_cast<char*>(std::memchr(to, 0, count));
  if (nul != nullptr) std::memset(nul, '#', count - static_cast<std::size_t>(nul - to));
  to[count] = 0;
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

// What a filter returns: the event is recorded field by field, or no more is to be done about it.
enum FilterAnswer : int { kGoOn = 0, kDone = 1 };

Event* event_of(const ust_event_common* common) {
  return reinterpret_cast<Event*>(reinterpret_cast<char*>(const_cast<ust_event_common*>(common)) -
                                  offsetof(Event, common));
}

std::uint64_t word_at(const char* stack, std::size_t index) {
  std::uint64_t word;
  std::memcpy(&word, stack + 8 * index, sizeof word);
  return word;
}

/// Events of so many 32-bit integers, the most frequent ones.
template <std::uint32_t kCount>
int record_ints(const ust_event_common* common, const char* stack, ust_probe_context* context,
                void* /*filter*/) {
  const auto pair = [stack](std::size_t index) -> std::uint64_t {
    if (index >= kCount) return 0;
    const std::uint64_t low = static_cast<std::uint32_t>(word_at(stack, index));
    return index + 1 < kCount ? low | word_at(stack, index + 1) << 32 : low;
  };
  return sillage_emit_foreign_words(&event_of(common)->site, 4 * kCount, pair(0), pair(2), pair(4),
                                    context->ip);
}

/// Events of at most 24 bytes.
int record_words(const ust_event_common* common, const char* stack, ust_probe_context* context,
                 void* /*filter*/) {
  Event* event = event_of(common);
  const sillage_field* field = event->translated.event.fields;
  const sillage_field* const end = field + event->translated.event.field_count;
  char payload[32];
  std::uint32_t bytes = 0;
  for (; field != end; field++, stack += 8) {
    std::uint64_t word = word_at(stack, 0);
    if (!is_recorded_as_is(*field)) word = recorded_word(word, *field);
    std::memcpy(payload + bytes, &word, 8);
    bytes += field->size;
  }
  return sillage_emit_foreign_words(&event->site, bytes, word_at(payload, 0), word_at(payload, 1),
                                    word_at(payload, 2), context->ip);
}

/// Events of one array of at least 16 bytes: recorded from where it is.
int record_array(const ust_event_common* common, const char* stack, ust_probe_context* context,
                 void* /*filter*/) {
  Event* event = event_of(common);
  const sillage_field& field = event->translated.event.fields[0];
  const void* data;
  std::memcpy(&data, stack + sizeof(unsigned long), sizeof data);
  sillage_emit_foreign_bytes(&event->site, data, field.count * field.size, context->ip);
  return kDone;
}

/// All others that can be had from what the filter is given.
[[gnu::noinline]] int record_parts(const ust_event_common* common, const char* stack,
                                   ust_probe_context* context, void* /*filter*/) {
  Event* event = event_of(common);
  FieldParts parts;
  if (parts.take_all(event->translated.event, stack)) [[likely]] {
    sillage_emit_foreign_parts(&event->site, parts.parts(), parts.count(), context->ip);
    return kDone;
  }
  Scratch* scratch = t_scratch != nullptr ? t_scratch : take_scratch();
  // In a signal handler that interrupts another event: filters see none of them.
  if (scratch == nullptr || scratch->is_busy != 0) return kGoOn;
  scratch->unwritten_of = scratch->unwritten.take_unwritten(event->translated.event, stack)
                              ? &event->translated.event
                              : nullptr;
  return kGoOn;
}

/// The same of events whose fields are all recorded: most often they are small.
int record_assembled(const ust_event_common* common, const char* stack, ust_probe_context* context,
                     void* /*filter*/) {
  Event* event = event_of(common);
  char payload[512];
  const std::uint32_t bytes =
      assemble_fields(event->translated.event, stack, payload, sizeof payload);
  if (bytes == UINT32_MAX) [[unlikely]]
    return record_parts(common, stack, context, nullptr);
  sillage_emit_foreign_bytes(&event->site, payload, bytes, context->ip);
  return kDone;
}

using Filter = decltype(ust_event_common::run_filter);

Filter short_way_of(const sillage_event& event) {
  static constexpr Filter kInts[] = {record_ints<0>, record_ints<1>, record_ints<2>, record_ints<3>,
                                     record_ints<4>, record_ints<5>, record_ints<6>};
  constexpr std::uint32_t kArrayBytes = 1u << 20;  // so that they can be counted
  std::uint32_t bytes = 0;
  bool are_ints = true, are_words = true;
  for (std::uint16_t i = 0; i < event.field_count; i++) {
    const sillage_field& field = event.fields[i];
    if ((field.flags & SILLAGE_FIELD_NOWRITE) != 0) return record_parts;
    const bool is_integer = field.kind == SILLAGE_KIND_INTEGER || field.kind == SILLAGE_KIND_ENUM;
    are_ints = are_ints && is_integer && field.size == 4 && is_recorded_as_is(field);
    are_words = are_words && (is_integer || field.kind == SILLAGE_KIND_FLOAT);
    bytes += field.size;
  }
  if (are_words && bytes <= 24) return are_ints ? kInts[event.field_count] : record_words;
  const sillage_field& first = event.fields[0];
  if (event.field_count == 1 && first.kind == SILLAGE_KIND_ARRAY && first.count <= kArrayBytes &&
      first.count * first.size >= 16)
    return record_array;
  return record_assembled;
}

}  // namespace

void set_up_event(Event* event) {
  const sillage_event& description = event->translated.event;
  const Filter short_way = short_way_of(description);
  // What never goes on needs not be looked through as a recorder: only its number says that it is none.
  const bool goes_on = (short_way == record_parts || short_way == record_assembled) &&
                       FieldParts::can_be_large(description);
  const std::uint32_t type = goes_on ? UST_EVENT_RECORDER : UST_EVENT_NOTIFIER;
  event->common = {sizeof(ust_event_common), nullptr, type, &event->recorder, 0, 1, short_way};
  event->recorder = {sizeof(ust_event_recorder), &event->common, nullptr, &g_channel};
}

void record(Event* event, const sillage_part* parts, std::uint32_t count, const void* ip) {
  sillage_emit_foreign_parts(&event->site, parts, count, ip);
}

void start_recorder() {
  g_scratches.start(on_thread_exit);
  sillage_call_in_children([] {
    if (!is_watched()) watch_in_child();
  });
}

void recorder_after_fork() {
  g_scratches.give_back_all_but(t_scratch, [](Scratch&) {});
}

void prepare_thread() {
  if (t_scratch == nullptr) take_scratch();
}

}  // namespace sillage::ust
