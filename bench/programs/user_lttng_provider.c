/* SPDX-License-Identifier: MIT */
/* Compiled as C and built into the program: LTTng's shortest call path. */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "user_lttng_events.h"
