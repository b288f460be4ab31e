// SPDX-License-Identifier: MIT
// The other half.
#define TRACEPOINT_CREATE_PROBES
#include "old_names.h"
