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

/* The same of the image of the state dump's events. */
SILLAGE_API const uint32_t* sillage_state_bell(void);

/* Writes a state dump where a collector asks for one (abi/app_protocol.h), for who does not wait for an event to do so. */
SILLAGE_API void sillage_write_state_dump(void);

/* Objects have been loaded or unloaded by the caller at `ip`: records which. */
SILLAGE_API void sillage_note_objects(const void* ip);

/* Gives the value of an application context ("$app.PROVIDER:TYPE"): a tag (enum sillage_app_context_tag) and what it says,
 * packed. Writes it if it has not more than `room` bytes.
 *
 * Returns how many it has; 0: the program does not bring it. Called in any thread that records, before each event. */
typedef uint32_t (*sillage_context_source)(const char* name, const void* ip, char* to,
                                           uint32_t room);

/* Says who is to be asked for them. There is one source in a process, and it stays. */
SILLAGE_API void sillage_bring_contexts(sillage_context_source source);

/* Says what the CPU's number is to be taken from, for contexts and for the streams of records: they are then written without
 * restartable sequences, which go by the kernel's. Of rings that are mapped later: to be called before an image is registered. */
SILLAGE_API void sillage_replace_cpu(int (*current_cpu)(void));

/* Says what the time of records is to be read from: never less than before, in any thread. `description` stays; its `value`
 * and `monotonic_ns` are not looked at. Streams and order of calls as above. */
struct sillage_app_clock;
SILLAGE_API void sillage_replace_clock(uint64_t (*read_clock)(void),
                                       const struct sillage_app_clock* description);

#ifdef __cplusplus
}
#endif
#endif
