// SPDX-License-Identifier: MIT
// liblttng-ust.so.1: contexts that the program brings itself, by provider.
#include "abi/app_protocol.h"
#include "probe/foreign_sites.h"
#include "ust/exported.hpp"
#include "ust/interface.h"
#include "ust/readers.hpp"
#include "ust/try_lock.hpp"

#include <stdlib.h>
#include <string.h>

#include <cstddef>
#include <cstdint>

namespace sillage::ust {
namespace {

struct ContextProvider {
  const ust_context_provider* description;
  std::size_t name_bytes;
  ContextProvider* next;
};

TryLock g_lock;
ContextProvider* g_providers;  // readers go through it inside enter_reader()

/// Where a provider's code writes a value, and how much of it there was.
struct Sink {
  char* to;
  std::size_t room;
  std::size_t used;
};

void take(ust_recording* recording, const void* from, std::size_t bytes) {
  auto* sink = static_cast<Sink*>(recording->priv);
  if (sink->used < sink->room && bytes <= sink->room - sink->used)
    memcpy(sink->to + sink->used, from, bytes);
  sink->used += bytes;
}

int sink_reserve(ust_recording* /*recording*/) { return 0; }
void sink_commit(ust_recording* /*recording*/) {}
void sink_write(ust_recording* recording, const void* from, std::size_t bytes,
                std::size_t /*alignment: records are packed*/) {
  take(recording, from, bytes);
}
void sink_text(ust_recording* recording, const char* from, std::size_t bytes) {
  take(recording, from, bytes);
}

ust_channel_ops g_ops = {
    sizeof(ust_channel_ops), nullptr, sink_reserve, sink_commit, sink_write, sink_text, sink_text};
ust_session g_session = {sizeof(ust_session), nullptr, 1};
extern ust_channel g_channel;
ust_channel_common g_channel_common = {
    sizeof(ust_channel_common), nullptr, 0, &g_channel, 1, &g_session};
ust_channel g_channel = {sizeof(ust_channel), &g_channel_common, nullptr, &g_ops};

/// Whether a value is what its tag says: whoever reads the trace steps over it by that.
bool is_sound(const char* value, std::size_t bytes) {
  static constexpr std::uint8_t kBytes[] = {0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  const auto tag = static_cast<unsigned char>(value[0]);
  if (tag < sizeof kBytes) return bytes == 1u + kBytes[tag];
  return tag == SILLAGE_APP_CONTEXT_STRING && bytes > 1 &&
         memchr(value + 1, 0, bytes - 1) == value + bytes - 1;
}

const ContextProvider* find(const char* name) {
  const char* colon = strchr(name, ':');
  const std::size_t bytes =
      colon == nullptr ? strlen(name) : static_cast<std::size_t>(colon - name);
  for (const ContextProvider* at = __atomic_load_n(&g_providers, __ATOMIC_ACQUIRE); at != nullptr;
       at = __atomic_load_n(&at->next, __ATOMIC_ACQUIRE))
    if (at->name_bytes == bytes && memcmp(at->description->name, name, bytes) == 0) return at;
  return nullptr;
}

std::uint32_t value_of(const ContextProvider& provider, const char* name, const void* ip, char* to,
                       std::uint32_t room) {
  const ust_type type = {UST_TYPE_DYNAMIC};
  const ust_field field = {sizeof field, name, &type, 0, 0};
  ust_app_context about = {sizeof about, &field, name};
  ust_probe_context probe = {sizeof probe, const_cast<void*>(ip)};
  Sink sink = {to, room, 0};
  ust_recording recording = {sizeof recording, nullptr, 0, 1, &probe, &sink};
  provider.description->record(&about, &probe, &recording, &g_channel);
  if (sink.used > UINT32_MAX || (sink.used <= room && sink.used != 0 && !is_sound(to, sink.used)))
    return 0;
  return static_cast<std::uint32_t>(sink.used);
}

std::uint32_t give_value(const char* name, const void* ip, char* to, std::uint32_t room) {
  enter_reader();
  const ContextProvider* provider = find(name);
  const std::uint32_t bytes = provider == nullptr ? 0 : value_of(*provider, name, ip, to, room);
  leave_reader();
  return bytes;
}

}  // namespace
}  // namespace sillage::ust

using namespace sillage::ust;

UST_EXPORT void* lttng_ust_context_provider_register(const ust_context_provider* description) {
  if (strncmp(description->name, "$app.", 5) != 0 || strchr(description->name, ':') != nullptr)
    return nullptr;
  Held held(g_lock);
  if (find(description->name) != nullptr) return nullptr;
  auto* provider = static_cast<ContextProvider*>(calloc(1, sizeof(ContextProvider)));
  if (provider == nullptr) return nullptr;
  *provider = {description, strlen(description->name), g_providers};
  __atomic_store_n(&g_providers, provider, __ATOMIC_RELEASE);
  sillage_bring_contexts(give_value);
  return provider;
}

UST_EXPORT void lttng_ust_context_provider_unregister(void* registered) {
  if (registered == nullptr) return;
  auto* provider = static_cast<ContextProvider*>(registered);
  Held held(g_lock);
  ContextProvider** at = &g_providers;
  while (*at != nullptr && *at != provider) at = &(*at)->next;
  if (*at == nullptr) return;
  __atomic_store_n(at, provider->next, __ATOMIC_RELEASE);
  // A thread that is still inside after that keeps it: better lost than gone from under it.
  if (sillage_ust_wait_for_readers() == 0) free(provider);
}
