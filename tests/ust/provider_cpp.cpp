// SPDX-License-Identifier: MIT
// Probes as C++, which makes their descriptions at run time.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#include "every_field.h"
