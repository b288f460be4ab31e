/* SPDX-License-Identifier: MIT */
/*
 * For libraries of this project that bring tracepoints of another kind into a process (src/ust): they make
 * sillage_site, sillage_event and sillage_image (sillage/site.h) at run time. Not for programs: no promise that it stays.
 */
#ifndef SILLAGE_PROBE_FOREIGN_SITES_H
#define SILLAGE_PROBE_FOREIGN_SITES_H

#include <sillage/site.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Records a payload in one piece, of which 24 bytes can be read, however few `bytes` are.
 *
 * Returns what sillage_emit_rest() has to be called with, or NULL: then it is recorded. */
SILLAGE_API struct sillage_slot* sillage_emit_assembled(struct sillage_site* site,
                                                        const void* payload, uint32_t bytes);

/* Records the same payload where that has not been done. `ip`: whence the event was called. `unwritten`: parts of the fields
 * that are not recorded, as tracepoint.h makes them, for filters; none if `count` is 0. */
SILLAGE_API void sillage_emit_rest(struct sillage_slot* rest, const void* payload, uint32_t bytes,
                                   const void* ip, const struct sillage_part* unwritten,
                                   uint32_t count);

/* The word that changes, with a futex wake-up, after a collector changed gates of a registered image (abi/catalog.h);
 * NULL if it has none. Valid until the image is unregistered. */
SILLAGE_API const uint32_t* sillage_image_bell(const struct sillage_image* image);

#ifdef __cplusplus
}
#endif
#endif
