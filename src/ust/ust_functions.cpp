// SPDX-License-Identifier: MIT
// liblttng-ust.so.1: what programs and LTTng-UST's helper libraries call besides providers and logging.
#include "probe/foreign_sites.h"
#include "ust/exported.hpp"
#include "ust/recorder.hpp"

#include <signal.h>

UST_EXPORT void lttng_ust_common_alloc_tls(void);

// Programs ask by its address whether the library is there.
UST_EXPORT int lttng_ust_loaded __attribute__((weak));
int lttng_ust_loaded = 1;

UST_EXPORT void lttng_ust_init_thread(void) {
  lttng_ust_common_alloc_tls();
  sillage::ust::prepare_thread();
}

// The preloaded library for fork(), clone(), setns() and set*id() calls these. Children are followed without it, and
// contexts ask the kernel anew where these calls can have changed an answer.
UST_EXPORT void lttng_ust_before_fork(sigset_t* /*saved*/) {}
UST_EXPORT void lttng_ust_after_fork_parent(sigset_t* /*restored*/) {}
UST_EXPORT void lttng_ust_after_fork_child(sigset_t* /*restored*/) {}
UST_EXPORT void lttng_ust_after_setns(void) {}
UST_EXPORT void lttng_ust_after_unshare(void) {}
UST_EXPORT void lttng_ust_after_setuid(void) {}
UST_EXPORT void lttng_ust_after_setgid(void) {}
UST_EXPORT void lttng_ust_after_seteuid(void) {}
UST_EXPORT void lttng_ust_after_setegid(void) {}
UST_EXPORT void lttng_ust_after_setreuid(void) {}
UST_EXPORT void lttng_ust_after_setregid(void) {}
UST_EXPORT void lttng_ust_after_setresuid(void) {}
UST_EXPORT void lttng_ust_after_setresgid(void) {}
UST_EXPORT void lttng_ust_context_procname_reset(void) {}
// The preloaded library for dlopen() and dlclose(), behind each. `ip`: who called that.
UST_EXPORT void lttng_ust_dl_update(void* ip) { sillage_note_objects(ip); }
UST_EXPORT void init_usterr(void) {}
// The malloc wrapper has one of its own, which is called in its place.
UST_EXPORT void __attribute__((weak)) lttng_ust_libc_wrapper_malloc_ctor(void) {}

UST_EXPORT const char* lttng_ust_strerror(int code) {
  static const char* const texts[] = {"Unknown error",
                                      "No entry",
                                      "Object exists",
                                      "Invalid argument",
                                      "Permission denied",
                                      "Not implemented",
                                      "The process is exiting",
                                      "Invalid magic number",
                                      "Invalid socket type",
                                      "Unsupported major version",
                                      "No credentials of the peer",
                                      "The peer's process ID is of another PID namespace"};
  constexpr int kFirst = 1024;
  constexpr int kCount = sizeof texts / sizeof texts[0];
  const int number = code < 0 ? -code : code;
  if (number == 0) return "Success";
  return number >= kFirst && number < kFirst + kCount ? texts[number - kFirst] : texts[0];
}
