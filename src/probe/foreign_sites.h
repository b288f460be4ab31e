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

/* As sillage_emit_words() and sillage_emit_parts(), of an event that was called from `ip`. Returns 1, so that who has to
 * return that need not come back. */
SILLAGE_API int sillage_emit_foreign_words(struct sillage_site* site, uint32_t bytes, uint64_t w0,
                                           uint64_t w1, uint64_t w2, const void* ip);
SILLAGE_API void sillage_emit_foreign_parts(struct sillage_site* site,
                                            const struct sillage_part* parts, uint32_t count,
                                            const void* ip);

/* Records a payload in one piece, of which 16 bytes can be read, however few `bytes` are. */
SILLAGE_API void sillage_emit_foreign_bytes(struct sillage_site* site, const void* payload,
                                            uint32_t bytes, const void* ip);

/* The same with parts of the fields that are not recorded, as tracepoint.h makes them, for filters. */
SILLAGE_API void sillage_emit_foreign_payload(struct sillage_site* site, const void* payload,
                                              uint32_t bytes, const void* ip,
                                              const struct sillage_part* unwritten, uint32_t count);

/* Says what is to be called behind an event of these four after which the process may have become a child of fork(), or of
 * clone(), that records: behind its first, and perhaps others. There is one such function in a process, and it stays. */
SILLAGE_API void sillage_call_in_children(void (*function)(void));

/* How long the registration of an image waits for each collector's answer: 0 not at all, less than 0 until it comes. As a
 * default it gives way to SILLAGE_REGISTER_TIMEOUT_MS. To be called before an image is registered. */
SILLAGE_API void sillage_wait_for_registration(int64_t milliseconds, int is_default);

/* The word that changes, with a futex wake-up, after a collector changed gates of a registered image (abi/catalog.h);
 * NULL if it has none. Valid until the image is unregistered. */
SILLAGE_API const uint32_t* sillage_image_bell(const struct sillage_image* image);

/* The same of the image of the state dump's events. */
SILLAGE_API const uint32_t* sillage_state_bell(void);

/* Tells collectors that what they changed before the image's bell had this value is in effect. */
SILLAGE_API void sillage_image_answer(const struct sillage_image* image, uint32_t bell);

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
