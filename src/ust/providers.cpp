// SPDX-License-Identifier: MIT
#include "ust/providers.hpp"

#include "probe/foreign_sites.h"
#include "ust/plug_ins.hpp"
#include "ust/tracepoints.hpp"
#include "ust/try_lock.hpp"
#include "ust/watcher.hpp"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

namespace sillage::ust {

struct Provider {
  sillage_image image;
  Provider* next;
  std::uint32_t bell;         ///< what collectors' bell was at when the gates were looked at
  std::uint64_t closed_gate;  ///< what sites look at while the image is not registered: 0
  unsigned event_count;       ///< of the descriptions
  unsigned made_count;        ///< that can be recorded; these many sites and probes
  Event* events;              ///< by number in the descriptions; those left out have no name
  sillage_site** sites;
  Probe* probes;
};

namespace {

TryLock g_lock;
Provider* g_providers;
std::uint32_t g_changes;  // a bell of our own: providers came or went
// What stands for a provider that could not be made.
Provider g_nothing;

void ring_own_bell() {
  __atomic_fetch_add(&g_changes, 1, __ATOMIC_RELEASE);
  kernel_call(SYS_futex, &g_changes, long{FUTEX_WAKE_PRIVATE}, 1L, nullptr, nullptr, 0L);
}

/// Returns the word's value, of before the gates are looked at: what changes later is heard.
std::uint32_t add_word(WatchList* list, const std::uint32_t* word, std::uint32_t flags) {
  if (word == nullptr) return 0;
  const std::uint32_t value = __atomic_load_n(word, __ATOMIC_ACQUIRE);
  if (list->count == list->room) {
    list->are_all = false;
    return value;
  }
  futex_waitv& at = list->words[list->count++];
  at.val = value;
  at.uaddr = reinterpret_cast<std::uintptr_t>(word);
  at.flags = FUTEX_32 | flags;
  at.__reserved = 0;
  return value;
}

void apply_gates_locked(WatchList* list) {
  add_word(list, &g_changes, FUTEX_PRIVATE_FLAG);
  add_word(list, sillage_state_bell(), 0);
  for (Provider* provider = g_providers; provider != nullptr; provider = provider->next) {
    provider->bell = add_word(list, sillage_image_bell(&provider->image), 0);
    for (unsigned i = 0; i < provider->event_count; i++) {
      Event& event = provider->events[i];
      const int enabled = event.site.gate != nullptr && is_wanted(event) ? 1 : 0;
      if (event.common.enabled != enabled)
        __atomic_store_n(&event.common.enabled, enabled, __ATOMIC_RELAXED);
    }
  }
}

/// The states of all tracepoints are as the gates were.
void answer_locked() {
  for (Provider* provider = g_providers; provider != nullptr; provider = provider->next)
    sillage_image_answer(&provider->image, provider->bell);
}

void free_provider(Provider* provider) {
  for (unsigned i = 0; i < provider->event_count && provider->events != nullptr; i++)
    free_event(&provider->events[i].translated);
  free(provider->events);
  free(provider->sites);
  free(provider->probes);
  free(provider);
}

unsigned count_events(const ust_provider* const* descriptions, unsigned count) {
  unsigned total = 0;
  for (unsigned i = 0; i < count; i++) total += descriptions[i]->nr_events;
  return total;
}

/// Where LTTng-UST says such things, and when.
void say_left_out(const ust_event& event, const Refusal& refusal) {
  if (secure_getenv("LTTNG_UST_DEBUG") == nullptr) return;
  const int saved = errno;
  dprintf(STDERR_FILENO, "sillage: %s:%s is not recorded: field %s: %s\n",
          event.probe_desc->provider_name, event.event_name,
          refusal.field == nullptr ? "-" : refusal.field, refusal.reason);
  errno = saved;
}

void add_event(Provider* provider, Event* event, const ust_event& description) {
  Refusal refusal;
  if (!translate_event(description, &event->translated, &refusal))
    return say_left_out(description, refusal);
  event->site.gate = &provider->closed_gate;
  event->site.event = &event->translated.event;
  set_up_event(event);
  provider->sites[provider->made_count] = &event->site;
  provider->probes[provider->made_count++] = {description.probe_desc->provider_name,
                                              description.event_name,
                                              description.tp_class->signature,
                                              description.tp_class->probe_callback,
                                              &event->common,
                                              &event->common.enabled,
                                              nullptr,
                                              0};
}

Provider* make_provider(const ust_provider* const* descriptions, unsigned count) {
  auto* provider = static_cast<Provider*>(calloc(1, sizeof(Provider)));
  if (provider == nullptr) return nullptr;
  const unsigned total = provider->event_count = count_events(descriptions, count);
  provider->events = static_cast<Event*>(calloc(total + 1, sizeof(Event)));
  // Pointers they are. NOLINTNEXTLINE(bugprone-sizeof-expression)
  provider->sites = static_cast<sillage_site**>(calloc(total + 1, sizeof(sillage_site*)));
  provider->probes = static_cast<Probe*>(calloc(total + 1, sizeof(Probe)));
  if (provider->events == nullptr || provider->sites == nullptr || provider->probes == nullptr) {
    free_provider(provider);
    return nullptr;
  }
  Event* event = provider->events;
  for (unsigned i = 0; i < count; i++) {
    for (unsigned number = 0; number < descriptions[i]->nr_events; number++, event++)
      add_event(provider, event, *descriptions[i]->event_desc[number]);
  }
  provider->image.begin = provider->sites;
  provider->image.end = provider->sites + provider->made_count;
  provider->image.closed_gate = &provider->closed_gate;
  return provider;
}

/// Runs in the child of fork(): its first event sets it up, so every tracepoint with a probe lets events through.
void on_fork_child() {
  g_lock.release();
  recorder_after_fork();
  for (Provider* provider = g_providers; provider != nullptr; provider = provider->next) {
    for (unsigned i = 0; i < provider->event_count; i++) provider->events[i].common.enabled = 1;
  }
  sillage_ust_open_in_child();
}

/// As LTTng-UST reads the variable, of set-user-ID programs, too: what is no number is 0.
void set_register_timeout() {
  constexpr std::int64_t kDefaultMs = 3000;
  const char* text = getenv("LTTNG_UST_REGISTER_TIMEOUT");
  sillage_wait_for_registration(text == nullptr ? kDefaultMs : strtol(text, nullptr, 10),
                                text == nullptr ? 1 : 0);
}

// Before the providers that are linked with the program, and with priority over the constructors of this library that make
// one.
[[gnu::constructor(101)]] void start() {
  start_recorder();
  set_register_timeout();
  pthread_atfork(nullptr, nullptr, on_fork_child);
}

}  // namespace

Provider* add_provider(const ust_provider* const* descriptions, unsigned count) {
  use_plug_ins();
  Provider* provider = make_provider(descriptions, count);
  if (provider == nullptr) return &g_nothing;
  // Gates are as collectors want them when this returns: a program is recorded from its first event on.
  sillage_image_register(&provider->image);
  {
    Held held(g_lock);
    provider->next = g_providers;
    g_providers = provider;
    WatchList nothing = {nullptr, 0, 0, true};
    apply_gates_locked(&nothing);
  }
  start_watcher();
  sillage_ust_add_probes(provider->probes, provider->made_count);
  sillage_image_answer(&provider->image, provider->bell);  // the watcher goes on from here
  ring_own_bell();
  return provider;
}

void remove_provider(Provider* provider) {
  if (provider == &g_nothing) return;
  const bool is_quiet = sillage_ust_remove_probes(provider->probes, provider->made_count) == 0;
  Held held(g_lock);
  for (Provider** at = &g_providers; *at != nullptr; at = &(*at)->next) {
    if (*at != provider) continue;
    *at = provider->next;
    break;
  }
  sillage_image_unregister(&provider->image);
  // libsillage.so keeps the main program's image, which ends with it.
  if (is_quiet && provider->image.handle == nullptr) free_provider(provider);
}

Event* event_at(Provider* provider, unsigned index) {
  if (index >= provider->event_count) return nullptr;
  Event* event = &provider->events[index];
  return event->translated.fields == nullptr ? nullptr : event;
}

void apply_gates(WatchList* list) {
  g_lock.take();
  apply_gates_locked(list);
  while (!sillage_ust_update_states()) {
    timespec pause = {0, 100'000};
    kernel_call(SYS_nanosleep, &pause, nullptr);
  }
  answer_locked();
  g_lock.release();
}

bool try_apply_gates(WatchList* list) {
  if (!g_lock.try_take()) return false;
  list->are_all = true;
  apply_gates_locked(list);
  const bool is_done = sillage_ust_update_states();
  g_lock.release();
  return is_done;
}

}  // namespace sillage::ust

using namespace sillage::ust;

UST_EXPORT void* lttng_ust_probe_register(const ust_provider* description) {
  // A provider of another generation cannot be read: the program runs untraced.
  return add_provider(&description, description->major == UST_PROVIDER_MAJOR ? 1 : 0);
}

UST_EXPORT void lttng_ust_probe_unregister(void* provider) {
  if (provider != nullptr) remove_provider(static_cast<Provider*>(provider));
}
