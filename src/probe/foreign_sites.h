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

/* Records a payload in one piece, called from `ip`. 24 bytes of it can be read, however few `bytes` are. */
SILLAGE_API void sillage_emit_assembled(struct sillage_site* site, const void* payload,
                                        uint32_t bytes, const void* ip);

/* The word that changes, with a futex wake-up, after a collector changed gates of a registered image (abi/catalog.h);
 * NULL if it has none. Valid until the image is unregistered. */
SILLAGE_API const uint32_t* sillage_image_bell(const struct sillage_image* image);

#ifdef __cplusplus
}
#endif
#endif
