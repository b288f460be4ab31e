// SPDX-License-Identifier: MIT
// The probes of life.h, to be loaded and unloaded while tracepoints call them.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#include "life.h"
