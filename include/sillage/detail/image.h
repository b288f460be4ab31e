/* SPDX-License-Identifier: MIT */
/*
 * What each ELF object with tracepoints has once: its image, handed to libsillage.so before the object's own
 * constructors run and taken back after its destructors. Everything is hidden and weak, so the linker keeps one
 * per object whatever number of files included this, and nothing keeps the object from being unloaded.
 */
#ifndef SILLAGE_DETAIL_IMAGE_H
#define SILLAGE_DETAIL_IMAGE_H

#include <sillage/site.h>

#include <stddef.h>

#define SILLAGE_I_ONE_PER_OBJECT __attribute__((weak, visibility("hidden")))
#define SILLAGE_I_INLINE static inline __attribute__((always_inline, unused))

#ifdef __cplusplus
extern "C" {
#endif

/* Bounds of the section `sillage_sites`, made by the linker; both NULL where every site was optimised away. */
extern struct sillage_site* __start_sillage_sites[] SILLAGE_I_ONE_PER_OBJECT;
extern struct sillage_site* __stop_sillage_sites[] SILLAGE_I_ONE_PER_OBJECT;

extern const uint64_t sillage_closed_gate SILLAGE_I_ONE_PER_OBJECT;
const uint64_t sillage_closed_gate = 0;

extern struct sillage_image sillage_object_image SILLAGE_I_ONE_PER_OBJECT;
struct sillage_image sillage_object_image = {__start_sillage_sites, __stop_sillage_sites, NULL,
                                             &sillage_closed_gate};

/* 101 is the first priority programs may use. */
#if defined(__i386__)
/* Position-independent 32-bit code of g++ cannot write the address of a site into the section (see SILLAGE_I_ENTER in
 * fields_cpp.hpp). There an entry is 0 at first; sites enter themselves at priority 101, registration follows. */
#define SILLAGE_I_PRIORITY 102

static inline __attribute__((unused)) void sillage_i_enter_site(struct sillage_site* site) {
  for (struct sillage_site** entry = __start_sillage_sites; entry != __stop_sillage_sites;
       entry++) {
    if (*entry == NULL) *entry = site;
    if (*entry == site) return;
  }
}
/* Code that was copied has more entries than sites: the rest become duplicates, which are allowed. */
SILLAGE_I_INLINE void sillage_i_fill_entries(void) {
  for (struct sillage_site** entry = __start_sillage_sites; entry != __stop_sillage_sites;
       entry++) {
    if (*entry == NULL) *entry = __start_sillage_sites[0];
  }
}
#else
#define SILLAGE_I_PRIORITY 101
SILLAGE_I_INLINE void sillage_i_fill_entries(void) {}
#endif

/* A copy per file that includes this; the first one acts. */
__attribute__((constructor(SILLAGE_I_PRIORITY))) static void sillage_i_object_loaded(void) {
  if (sillage_object_image.handle != NULL || sillage_object_image.begin == sillage_object_image.end)
    return;
  sillage_i_fill_entries();
  sillage_image_register(&sillage_object_image);
}
__attribute__((destructor(SILLAGE_I_PRIORITY))) static void sillage_i_object_unloaded(void) {
  if (sillage_object_image.handle != NULL) sillage_image_unregister(&sillage_object_image);
}

#ifdef __cplusplus
}
#endif

/* The whole cost of a disabled site. Relaxed atomic loads: both the pointer (when the image is registered) and the
 * gate (by collectors, at any time) change behind the program's back, and neither may be kept across a loop. */
SILLAGE_I_INLINE int sillage_i_is_open(const struct sillage_site* site) {
  const uint64_t* gate = __atomic_load_n(&site->gate, __ATOMIC_RELAXED);
#if __SIZEOF_POINTER__ == 8
  return __atomic_load_n(gate, __ATOMIC_RELAXED) != 0;
#else
  typedef uint32_t __attribute__((may_alias)) sillage_i_half;
  const sillage_i_half* halves = (const sillage_i_half*)gate;
  return (__atomic_load_n(&halves[0], __ATOMIC_RELAXED) |
          __atomic_load_n(&halves[1], __ATOMIC_RELAXED)) != 0;
#endif
}
/* Behind a call of sillage_emit_*: keeps it from being a tail call, so that its return address, the event's `ip`
 * context, lies at the tracepoint and not in the caller of the function that holds it. */
#define SILLAGE_I_STAY_CALLER() __asm__ __volatile__("")
#define SILLAGE_I_IF_OPEN(site) if (__builtin_expect(sillage_i_is_open(&(site)), 0))

#endif
