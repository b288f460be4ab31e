// SPDX-License-Identifier: MIT
// The probes alone: linked in, in a shared library, dlopened or preloaded.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define TRACEPOINT_CREATE_PROBES
#include "every_field.h"
#include "old_names.h"
