// SPDX-License-Identifier: MIT
// Half of the probes: linked in, in a shared library, dlopened or preloaded.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#include "every_field.h"
