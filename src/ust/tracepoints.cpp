// SPDX-License-Identifier: MIT
// liblttng-ust-tracepoint.so.1: tracepoints of all objects, probes of all providers, and who calls whom.
//
// A tracepoint calls every probe of its array while its state is not 0. Arrays hold all probes of the right name, enabled or
// not, so that enabling is a store and needs no memory: the watcher and signal handlers do it.
#include "ust/tracepoints.hpp"

#include "ust/readers.hpp"
#include "ust/try_lock.hpp"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include <cstring>

namespace sillage::ust {
namespace {

/// The tracepoints of one object.
struct Module {
  ust_tracepoint* const* begin;
  int count;
  Module* next;
};

/// An array of probes as tracepoints see it, ended by a probe without a function; what is behind is ours.
struct Array {
  Array* next;             // of those that wait to be freed
  const int** is_enabled;  // by probe
  ust_probe probes[];
};

constexpr std::uint32_t kBuckets = 1024;

TryLock g_lock;
Module* g_modules;
Probe* g_buckets[kBuckets];
Array* g_released;      // unlinked, perhaps still read
int g_destructors = 1;  // whether tracepoints are taken back when their object is unloaded

std::uint32_t hash_of(const char* provider, const char* event) {
  std::uint32_t hash = 2166136261u;  // FNV-1a
  const char* const names[] = {provider, event};
  for (const char* text : names) {
    for (; *text != 0; text++) hash = (hash ^ static_cast<unsigned char>(*text)) * 16777619u;
    hash = (hash ^ ':') * 16777619u;
  }
  return hash;
}

bool fits(const Probe& probe, std::uint32_t hash, const ust_tracepoint& tracepoint) {
  // Other arguments under the same name: calling the probe would read what was never passed.
  return probe.hash == hash && std::strcmp(probe.event, tracepoint.event_name) == 0 &&
         std::strcmp(probe.provider, tracepoint.provider_name) == 0 &&
         std::strcmp(probe.signature, tracepoint.signature) == 0;
}

Array* array_of(ust_probe* probes) {
  return reinterpret_cast<Array*>(reinterpret_cast<char*>(probes) - offsetof(Array, probes));
}

void update_state(ust_tracepoint* tracepoint) {
  int state = 0;
  if (ust_probe* probes = tracepoint->probes; probes != nullptr) {
    const int** is_enabled = array_of(probes)->is_enabled;
    for (int i = 0; probes[i].func != nullptr && state == 0; i++) {
      if (is_enabled[i] == nullptr || __atomic_load_n(is_enabled[i], __ATOMIC_RELAXED) != 0)
        state = 1;
    }
  }
  if (tracepoint->state != state) __atomic_store_n(&tracepoint->state, state, __ATOMIC_RELEASE);
}

void set_probes(ust_tracepoint* tracepoint, Array* array) {
  ust_probe* old = tracepoint->probes;
  if (old != nullptr) {
    Array* released = array_of(old);
    released->next = g_released;
    g_released = released;
  }
  __atomic_store_n(&tracepoint->probes, array == nullptr ? nullptr : array->probes,
                   __ATOMIC_RELEASE);
  update_state(tracepoint);
}

/// Gives a tracepoint the probes that fit it now.
void connect(ust_tracepoint* tracepoint) {
  const std::uint32_t hash = hash_of(tracepoint->provider_name, tracepoint->event_name);
  std::size_t count = 0;
  for (Probe* probe = g_buckets[hash % kBuckets]; probe != nullptr; probe = probe->next)
    count += fits(*probe, hash, *tracepoint) ? 1 : 0;
  if (count == 0) {
    set_probes(tracepoint, nullptr);
    return;
  }
  const std::size_t probes_bytes = (count + 1) * sizeof(ust_probe);
  auto* array =
      static_cast<Array*>(calloc(1, sizeof(Array) + probes_bytes + count * sizeof(const int*)));
  if (array == nullptr) {  // an event is lost before the program is hurt
    set_probes(tracepoint, nullptr);
    return;
  }
  array->is_enabled =
      reinterpret_cast<const int**>(reinterpret_cast<char*>(array->probes) + probes_bytes);
  std::size_t used = 0;
  for (Probe* probe = g_buckets[hash % kBuckets]; probe != nullptr; probe = probe->next) {
    if (!fits(*probe, hash, *tracepoint)) continue;
    array->probes[used] = {probe->function, probe->data};
    array->is_enabled[used++] = probe->is_enabled;
  }
  set_probes(tracepoint, array);
}

template <class Visit>
void for_each_tracepoint(Visit visit) {
  for (Module* module = g_modules; module != nullptr; module = module->next) {
    for (int i = 0; i < module->count; i++) {
      if (module->begin[i] != nullptr) visit(module->begin[i]);
    }
  }
}

/// Connects again the tracepoints that have the name of one of the probes. Probes of one call are most often of one provider.
void connect_all(const Probe* probes, unsigned count) {
  for_each_tracepoint([&](ust_tracepoint* tracepoint) {
    const char* last = nullptr;
    for (unsigned i = 0; i < count; i++) {
      if (probes[i].provider == last) continue;
      last = probes[i].provider;
      if (std::strcmp(last, tracepoint->provider_name) != 0) continue;
      connect(tracepoint);
      return;
    }
  });
}

void unlink(Probe* probe) {
  for (Probe** at = &g_buckets[probe->hash % kBuckets]; *at != nullptr; at = &(*at)->next) {
    if (*at != probe) continue;
    *at = probe->next;
    return;
  }
}

/// Frees what nobody can read any more; false if somebody still can.
bool free_released() {
  if (g_released == nullptr) return true;
  if (sillage_ust_wait_for_readers() != 0) return false;
  while (g_released != nullptr) {
    Array* next = g_released->next;
    free(g_released);
    g_released = next;
  }
  return true;
}

void on_fork_child() { g_lock.release(); }

[[gnu::constructor]] void start() { pthread_atfork(nullptr, nullptr, on_fork_child); }

/// Probes that programs register themselves, without a provider's description.
struct OwnProbe {
  Probe probe;
  OwnProbe* next;
};
OwnProbe* g_own_probes;

}  // namespace
}  // namespace sillage::ust

using namespace sillage::ust;

void sillage_ust_add_probes(Probe* probes, unsigned count) {
  Held held(g_lock);
  for (unsigned i = 0; i < count; i++) {
    probes[i].hash = hash_of(probes[i].provider, probes[i].event);
    probes[i].next = g_buckets[probes[i].hash % kBuckets];
    g_buckets[probes[i].hash % kBuckets] = &probes[i];
  }
  connect_all(probes, count);
  free_released();
}

int sillage_ust_remove_probes(Probe* probes, unsigned count) {
  Held held(g_lock);
  for (unsigned i = 0; i < count; i++) unlink(&probes[i]);
  connect_all(probes, count);
  return free_released() ? 0 : -1;
}

bool sillage_ust_update_states(void) {
  if (!g_lock.try_take()) return false;
  for_each_tracepoint(update_state);
  g_lock.release();
  return true;
}

void sillage_ust_open_in_child(void) {
  for_each_tracepoint([](ust_tracepoint* tracepoint) {
    if (tracepoint->probes != nullptr) tracepoint->state = 1;
  });
}

UST_EXPORT int lttng_ust_tracepoint_module_register(ust_tracepoint* const* begin, int count) {
  auto* module = static_cast<Module*>(malloc(sizeof(Module)));
  if (module == nullptr) return -1;
  Held held(g_lock);
  *module = {begin, count, g_modules};
  g_modules = module;
  for (int i = 0; i < count; i++) {
    if (begin[i] != nullptr) connect(begin[i]);
  }
  return 0;
}

UST_EXPORT int lttng_ust_tracepoint_module_unregister(ust_tracepoint* const* begin) {
  Held held(g_lock);
  for (Module** at = &g_modules; *at != nullptr; at = &(*at)->next) {
    Module* module = *at;
    if (module->begin != begin) continue;
    *at = module->next;
    for (int i = 0; i < module->count; i++) {
      if (begin[i] != nullptr) set_probes(begin[i], nullptr);
    }
    free_released();
    free(module);
    return 0;
  }
  return 0;
}

UST_EXPORT int lttng_ust_tracepoint_provider_register(const char* provider, const char* event,
                                                      void (*function)(void), void* data,
                                                      const char* signature) {
  auto* own = static_cast<OwnProbe*>(calloc(1, sizeof(OwnProbe)));
  if (own == nullptr) return -ENOMEM;
  own->probe = {provider, event, signature, function, data, nullptr, nullptr, 0};
  sillage_ust_add_probes(&own->probe, 1);
  Held held(g_lock);
  own->next = g_own_probes;
  g_own_probes = own;
  return 0;
}

UST_EXPORT int lttng_ust_tracepoint_provider_unregister(const char* provider, const char* event,
                                                        void (*function)(void), void* data) {
  OwnProbe* found = nullptr;
  {
    Held held(g_lock);
    for (OwnProbe** at = &g_own_probes; *at != nullptr; at = &(*at)->next) {
      const Probe& probe = (*at)->probe;
      if (probe.function != function || probe.data != data ||
          std::strcmp(probe.provider, provider) != 0 || std::strcmp(probe.event, event) != 0)
        continue;
      found = *at;
      *at = found->next;
      break;
    }
  }
  if (found == nullptr) return -ENOENT;
  if (sillage_ust_remove_probes(&found->probe, 1) == 0) free(found);
  return 0;
}

// The same in two steps; nothing is gained by it here.
UST_EXPORT int lttng_ust_tp_probe_register_queue_release(const char* provider, const char* event,
                                                         void (*function)(void), void* data,
                                                         const char* signature) {
  return lttng_ust_tracepoint_provider_register(provider, event, function, data, signature);
}
UST_EXPORT int lttng_ust_tp_probe_unregister_queue_release(const char* provider, const char* event,
                                                           void (*function)(void), void* data) {
  return lttng_ust_tracepoint_provider_unregister(provider, event, function, data);
}
UST_EXPORT void lttng_ust_tp_probe_prune_release_queue(void) {}

UST_EXPORT void lttng_ust_tp_rcu_read_lock(void) { enter_reader(); }
UST_EXPORT void lttng_ust_tp_rcu_read_unlock(void) { leave_reader(); }
UST_EXPORT void* lttng_ust_tp_rcu_dereference_sym(void* pointer) { return pointer; }

UST_EXPORT void lttng_ust_tp_disable_destructors(void) {
  __atomic_store_n(&g_destructors, 0, __ATOMIC_RELAXED);
}
UST_EXPORT int lttng_ust_tp_get_destructors_state(void) {
  return __atomic_load_n(&g_destructors, __ATOMIC_RELAXED);
}

// Called by nothing that is compiled with the public headers; here because they were exported.
UST_EXPORT void lttng_ust_tp_init(void) {}
UST_EXPORT void lttng_ust_tp_exit(void) {}
UST_EXPORT int tracepoint_register_lib(ust_tracepoint* const* begin, int count) {
  return lttng_ust_tracepoint_module_register(begin, count);
}
