// SPDX-License-Identifier: MIT
#include "ust/plug_ins.hpp"

#include "abi/app_protocol.h"
#include "probe/foreign_sites.h"
#include "ust/exported.hpp"
#include "ust/interface.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <cstddef>

UST_EXPORT int (*lttng_ust_get_cpu_sym)(void);
UST_EXPORT ust_clock* lttng_ust_trace_clock;

namespace sillage::ust {
namespace {

/// Loads a plug-in for good, and has it do what it is for.
void load(const char* variable, const char* entry) {
  const char* path = secure_getenv(variable);
  if (path == nullptr || path[0] == 0) return;
  void* handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (handle == nullptr) return;
  auto* init = reinterpret_cast<void (*)()>(dlsym(handle, entry));
  if (init != nullptr) init();
}

void copy(const char* from, char* to, std::size_t room) {
  if (from == nullptr) return;
  const std::size_t bytes = strnlen(from, room - 1);
  memcpy(to, from, bytes);
  to[bytes] = 0;
}

void use_clock(const ust_clock& clock) {
  static sillage_app_clock description;
  description = {};
  description.frequency_hz = clock.freq();
  if (clock.uuid(description.uuid) != 0) description.uuid[0] = 0;
  copy(clock.name(), description.name, sizeof description.name);
  copy(clock.description(), description.description, sizeof description.description);
  // Records without a time could not be read.
  if (description.frequency_hz != 0) sillage_replace_clock(clock.read64, &description);
}

}  // namespace

void use_plug_ins() {
  static bool is_done;
  if (!__atomic_exchange_n(&is_done, true, __ATOMIC_ACQ_REL)) {
    load("LTTNG_UST_CLOCK_PLUGIN", "lttng_ust_clock_plugin_init");
    load("LTTNG_UST_GETCPU_PLUGIN", "lttng_ust_getcpu_plugin_init");
    const ust_clock* clock = __atomic_load_n(&lttng_ust_trace_clock, __ATOMIC_ACQUIRE);
    if (clock != nullptr) use_clock(*clock);
  }
  auto* const other_cpu = __atomic_load_n(&lttng_ust_get_cpu_sym, __ATOMIC_ACQUIRE);
  if (other_cpu != nullptr) sillage_replace_cpu(other_cpu);
}

}  // namespace sillage::ust
