/* SPDX-License-Identifier: MIT */
/* Printf-like events, named as LTTng's: lttng_ust_tracef:event and lttng_ust_tracelog:TRACE_<LEVEL>. */
#ifndef SILLAGE_DETAIL_TRACEF_H
#define SILLAGE_DETAIL_TRACEF_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * sillage_tracef(format, ...): records a message. sillage_tracelog(LEVEL, format, ...): records a message, its level and
 * where it comes from; sillage_vtracef and sillage_vtracelog take a va_list. The compiler checks the format.
 * Formatting happens only while somebody records; then it costs what snprintf does, and more than 511 characters also
 * malloc(): not for signal handlers. A tracepoint is the better choice where time counts.
 */
#define sillage_tracef(...) SILLAGE_I_TRACEF(sillage_i_tracef, __VA_ARGS__)
#define sillage_vtracef(...) SILLAGE_I_TRACEF(sillage_i_vtracef, __VA_ARGS__)
#define sillage_tracelog(...) SILLAGE_I_TRACELOG(sillage_i_tracelog, SILLAGE_I_LOG_##__VA_ARGS__)
#define sillage_vtracelog(...) SILLAGE_I_TRACELOG(sillage_i_vtracelog, SILLAGE_I_LOG_##__VA_ARGS__)

#define SILLAGE_I_TEXT ((const char*)SILLAGE_I_NULL)
#define SILLAGE_I_TRACEF(function, ...)                                                \
  do {                                                                                 \
    SILLAGE_I_SITE("lttng_ust_tracef", "event", SILLAGE_I_LEVEL_DEBUG, SILLAGE_I_NULL, \
                   sillage_string(msg, SILLAGE_I_TEXT))                                \
    SILLAGE_I_IF_OPEN(SILLAGE_I_THIS_SITE) {                                           \
      SILLAGE_I_ENTER(SILLAGE_I_THIS_SITE)                                             \
      function(&SILLAGE_I_THIS_SITE, __VA_ARGS__);                                     \
    }                                                                                  \
  } while (0)

#define SILLAGE_I_TRACELOG(...) SILLAGE_I_TRACELOG_(__VA_ARGS__)
#define SILLAGE_I_TRACELOG_(function, event, level, ...)                                       \
  do {                                                                                         \
    SILLAGE_I_SITE("lttng_ust_tracelog", event, level, SILLAGE_I_NULL, sillage_field(line, 0), \
                   sillage_string(file, SILLAGE_I_TEXT), sillage_string(func, SILLAGE_I_TEXT), \
                   sillage_string(msg, SILLAGE_I_TEXT))                                        \
    SILLAGE_I_IF_OPEN(SILLAGE_I_THIS_SITE) {                                                   \
      SILLAGE_I_ENTER(SILLAGE_I_THIS_SITE)                                                     \
      function(&SILLAGE_I_THIS_SITE, __LINE__, __FILE__, __func__, __VA_ARGS__);               \
    }                                                                                          \
  } while (0)

#define SILLAGE_I_OUT_OF_LINE(format_index, first) \
  static __attribute__((noinline, cold, unused, format(printf, format_index, first)))

/* Records `parts` with the formatted message as the last of them. */
SILLAGE_I_OUT_OF_LINE(4, 0)
void sillage_i_format(struct sillage_site* site, struct sillage_part* parts, uint32_t count,
                      const char* format, va_list arguments) {
  int saved_errno = errno;
  char text[512];
  char* longer = NULL;
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(text, sizeof text, format, arguments);
  if (length >= (int)sizeof text) longer = (char*)malloc((size_t)length + 1);
  if (longer != NULL && vsnprintf(longer, (size_t)length + 1, format, again) < 0) length = -1;
  va_end(again);
  parts[count - 1].data = length < 0 ? "(cannot be formatted)" : longer != NULL ? longer : text;
  parts[count - 1].bytes = UINT32_MAX;
  parts[count - 1].kind = SILLAGE_PART_STRING;
  sillage_emit_parts(site, parts, count);
  free(longer);
  errno = saved_errno;
}

SILLAGE_I_OUT_OF_LINE(2, 0)
void sillage_i_vtracef(struct sillage_site* site, const char* format, va_list arguments) {
  struct sillage_part parts[1];
  sillage_i_format(site, parts, 1, format, arguments);
}

SILLAGE_I_OUT_OF_LINE(2, 3)
void sillage_i_tracef(struct sillage_site* site, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  sillage_i_vtracef(site, format, arguments);
  va_end(arguments);
}

SILLAGE_I_OUT_OF_LINE(5, 0)
void sillage_i_vtracelog(struct sillage_site* site, int line, const char* file,
                         const char* function, const char* format, va_list arguments) {
  struct sillage_part parts[4] = {{&line, sizeof line, SILLAGE_PART_BYTES},
                                  {file, UINT32_MAX, SILLAGE_PART_STRING},
                                  {function, UINT32_MAX, SILLAGE_PART_STRING},
                                  {NULL, 0, SILLAGE_PART_STRING}};
  sillage_i_format(site, parts, 4, format, arguments);
}

SILLAGE_I_OUT_OF_LINE(5, 6)
void sillage_i_tracelog(struct sillage_site* site, int line, const char* file, const char* function,
                        const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  sillage_i_vtracelog(site, line, file, function, format, arguments);
  va_end(arguments);
}

#endif
